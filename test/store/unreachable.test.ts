import { connect as connectTo } from 'node:net';
import { expect, test } from '@jest/globals';
import { sayWhyUnreachable } from '../../src/store/unreachable.ts';
import { isUnavailable } from '../../src/store/unavailability.ts';
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
