/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/test', '<rootDir>/sdk/test'],
  testMatch: ['<rootDir>/{test,sdk/test}/**/*.test.ts'],
  transform: {},
  runtime: '<rootDir>/test/runner/runtime.ts',
  testEnvironment: '<rootDir>/test/runner/environment.ts',
  // As every entry of the program does it first.
  setupFiles: ['<rootDir>/src/runtime/repaired-json-parse.ts'],
  globalSetup: '<rootDir>/test/runner/global-setup.ts',
  globalTeardown: '<rootDir>/test/runner/global-teardown.ts',
  testSequencer: '<rootDir>/test/runner/balanced-order.ts',
  reporters: ['default', '<rootDir>/test/runner/count-reporter.ts'],
  // On two cores: whenever two of them wait, the third computes.
  maxWorkers: 3,
  // They have nothing open at the end (test/runner/left-open.ts), and store what they have compiled.
  workerGracefulExitTimeout: 10_000,
  // Nothing takes as long: it ends what hangs, on a busy machine as well.
  testTimeout: 60_000,
  restoreMocks: true,
};
