// Runs in every process of Jest, before Jest itself (`npm test`). Each suite has all modules to itself, a thousand and
// more, and Jest has V8 compile them anew each time; here V8 is handed what it made of the same source the first time.

import vm from 'node:vm';

interface Kept {
  readonly code: string;
  readonly cachedData: Buffer | undefined;
}

const { SourceTextModule, compileFunction } = vm;
const modules = new Map<string | undefined, Kept>();
const functions = new Map<string | undefined, Kept>();

/** Only for the very same source, of which V8 itself compares no more than the length. */
function keptOf(all: typeof modules, name: string | undefined, code: string): Kept | undefined {
  const kept = all.get(name);
  return kept?.code === code ? kept : undefined;
}

class KeptModule extends SourceTextModule {
  /** Missing from the types. */
  declare createCachedData: () => Buffer;

  constructor(code: string, options: vm.SourceTextModuleOptions = {}) {
    const kept = keptOf(modules, options.identifier, code);
    super(code, kept?.cachedData ? { ...options, cachedData: kept.cachedData } : options);
    if (!kept) modules.set(options.identifier, { code, cachedData: this.createCachedData() });
  }
}

function keptFunction(
  code: string,
  parameters?: readonly string[],
  options: vm.CompileFunctionOptions = {},
): ReturnType<typeof compileFunction> {
  const kept = keptOf(functions, options.filename, code);
  const more = kept?.cachedData ? { cachedData: kept.cachedData } : { produceCachedData: true };
  const compiled = compileFunction(code, parameters, { ...options, ...more });
  if (!kept) functions.set(options.filename, { code, cachedData: compiled.cachedData });
  return compiled;
}

Object.assign(vm, { SourceTextModule: KeptModule, compileFunction: keptFunction });
