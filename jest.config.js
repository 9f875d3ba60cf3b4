/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The SDK's sources, not what it publishes.
  testEnvironmentOptions: { customExportConditions: ['taskgrant-source', 'node', 'node-addons'] },
  roots: ['<rootDir>/test', '<rootDir>/sdk/test'],
  testMatch: ['<rootDir>/{test,sdk/test}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        // Beside the code: within it every suite reads and compiles twice as much.
        sourceMaps: true,
        module: { type: 'es6' },
        jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
      },
    ],
  },
  // As every entry of the program does it first.
  setupFiles: ['<rootDir>/src/repaired-json-parse.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testSequencer: '<rootDir>/test/support/balanced-order.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.ts'],
  maxWorkers: 2,
  testTimeout: 20_000,
  restoreMocks: true,
};
