import { connect as connectTo } from 'node:net';
import { expect, test } from '@jest/globals';
import { connect } from '../../src/store/database.ts';
import { sayWhyUnreachable } from '../../src/store/connection/unreachable.ts';
import { isUnavailable } from '../../src/store/sql/unavailability.ts';
import { freePort } from '../support/free-port.ts';

/** As `localhost` is on most machines. */
const ADDRESSES = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

test('a database behind a name with several addresses is told to refuse connections at each', async () => {
  const port = await freePort();
  const lookup = (_name: string, _options: object, found: (error: null, all: typeof ADDRESSES) => void) =>
    found(null, ADDRESSES);
  const acquireRawConnection = () =>
    new Promise((resolve, reject) => {
      const socket = connectTo({ port, host: 'database', lookup });
      socket.once('connect', resolve).once('error', reject);
    });
  const client = { acquireRawConnection, acquireConnection: acquireRawConnection };
  sayWhyUnreachable({ client }, 'PostgreSQL at database:5432');
  const failure = await client.acquireRawConnection().catch((error: unknown) => error);
  expect(String(failure)).toMatch(
    new RegExp(
      `PostgreSQL at database:5432: connect ECONNREFUSED 127.0.0.1:${port}, connect E\\w+ ::1:${port}`,
    ),
  );
  expect(isUnavailable(failure)).toBe(true);
});

test.each([
  ['of the address', (port: number) => `127.0.0.1:${port}/db`],
  ['of the query', (port: number) => `nowhere.invalid:1/db?host=127.0.0.1&port=${port}`],
])('a database is told by the host and the port %s, as the driver reads them', async (_, address) => {
  const port = await freePort();
  const databaseUrl = `postgres://somebody:hidden-password@${address(port)}`;
  const db = connect({ databaseUrl, dataDir: ':memory:', poolMax: 1 });
  const failure = await db.raw('SELECT 1').catch(String);
  await db.destroy();
  expect(failure).toContain(`PostgreSQL at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`);
  expect(failure).not.toContain('hidden-password');
});
