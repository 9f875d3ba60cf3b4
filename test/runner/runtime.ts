import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import runtime from 'jest-runtime';
import { useGlobals } from './globals.ts';

/** What the package exports to modules is the class, and not, as its types have it, an object that holds it. */
const Runtime = runtime as unknown as typeof runtime.default;

const require = createRequire(import.meta.url);

/** Where Jest's framework keeps, in the realm, who listens to what happens in its tests. */
const EVENT_HANDLERS = Symbol.for('EVENT_HANDLERS');

/**
 * Runs suites in the realm of the process, one after another. Jest's own runtime gives each suite a realm with copies of
 * all modules, a thousand and more, which took a quarter of the suites' time; and what is tested there differs from what
 * runs in production: no `instanceof` holds across realms. Modules that were changed are not loaded again: no `--watch`.
 */
export default class NativeRuntime extends Runtime {
  override unstable_shouldLoadAsEsm(): boolean {
    return true;
  }

  override async unstable_importModule(path: string): Promise<void> {
    useGlobals(this.requireModuleOrMock(path, '@jest/globals'));
    await import(pathToFileURL(path).href);
  }

  /** Jest's framework, loaded once more for each suite: the module holds the suite's tests. */
  override requireInternalModule<T>(path: string): T {
    Reflect.deleteProperty(globalThis, EVENT_HANDLERS);
    delete require.cache[path];
    return require(path);
  }
}
