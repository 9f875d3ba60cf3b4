/**
 * The key of `await using`. Runtimes that lack the symbol get the one that compilers put in its place.
 * Spelled as a type so that the methods under it are those of `AsyncDisposable`.
 */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
