import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const EXAMPLES = ['first', 'second', 'third'].map((name) => `test/runner/examples/${name}.ts`);
const JEST = 'node_modules/jest/bin/jest.js';

interface Run {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

test('suites in one process fail by themselves, and leave nothing of their tests to the next', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      ...process.execArgv,
      JEST,
      '-i',
      '--json',
      'test/runner',
      '--testMatch',
      ...EXAMPLES.map((path) => `<rootDir>/${path}`),
    ],
    { encoding: 'utf8' },
  );
  const { testResults } = JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) as Run;
  const statuses = testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ title, status }) => [title, status]),
  );
  expect(Object.fromEntries(statuses)).toEqual({
    fails: 'failed',
    hangs: 'failed',
    'rejects beside itself': 'failed',
    'throws beside itself': 'failed',
    'expects more': 'failed',
    spies: 'passed',
    'spies no longer': 'passed',
    'passes with 1': 'passed',
    'passes with 2': 'passed',
    'meets modules as the first has left them, and nothing of its tests': 'passed',
  });
  expect(testResults.filter(({ message }) => message.includes('Cannot find module'))).toHaveLength(1);
});
