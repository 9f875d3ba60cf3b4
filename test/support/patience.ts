/**
 * DATABASE_TIMEOUT of suites that are about what happens, and not about how fast: on a busy machine the default is over
 * before many at once are served. Suites about time set their own.
 */
export const PATIENCE_MS = 60_000;
