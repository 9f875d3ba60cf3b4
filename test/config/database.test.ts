import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, faultsOf } = configDirectory();

describe('a PostgreSQL', () => {
  const ends = [
    'localhost/db',
    '/db?host=/run/postgresql',
    'u:p%23w@localhost:5432/db',
    'u@/db?host=/run/pg',
  ];
  test.each(ends)('may be postgres://%s', (end) => {
    expect(load({ DATABASE_URL: `postgres://${end}` }).databaseKind).toBe('postgres');
  });

  test.each(['u:se#cret@localhost/db', 'u:se/cret@localhost/db', 'localhost:99999/db', 'localhost:port/db'])(
    'is not at postgres://%s, and nothing of that is told',
    (end) => {
      const faults = faultsOf({ DATABASE_URL: `postgres://${end}` });
      expect(faults).toMatchObject([
        { env: 'DATABASE_URL', problem: expect.stringMatching(/^must be a URL: /) },
      ]);
      expect(JSON.stringify(faults)).not.toContain('cret');
    },
  );
});
