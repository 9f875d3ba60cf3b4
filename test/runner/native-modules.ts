// Loaded first in every process of Jest (`npm test`). What suites import is loaded by Node itself, as in production; only
// what @jest/globals means is up to the Jest that runs them.

import { enableCompileCache, registerHooks } from 'node:module';

enableCompileCache(new URL('../../node_modules/.cache/jest-modules', import.meta.url).pathname);

const GLOBALS = new URL('./globals.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: GLOBALS, shortCircuit: true } : next(specifier, context),
});
