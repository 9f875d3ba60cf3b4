import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { httpServer } from '../../src/process/http-server.ts';

const MORE_THAN_SOCKETS_HOLD = 64 * 1024 * 1024;

test('a client that reads nothing of its answer does not keep its connection for ever', async () => {
  const http = httpServer({ databaseTimeout: 5000, requestBodyLimit: 1024 }, { silentMs: 100 });
  http.on('request', (_, response) => response.end(Buffer.alloc(MORE_THAN_SOCKETS_HOLD)));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const client = connect((http.address() as AddressInfo).port, '127.0.0.1').pause();
  const [connection]: Socket[] = await once(http, 'connection');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(connection as Socket, 'close');
  client.destroy();
  http.close();
});

test('a request that waits for a patient database is not cut', () => {
  const requestBodyLimit = 65_536;
  expect(httpServer({ databaseTimeout: 5000, requestBodyLimit }).timeout).toBe(60_000);
  expect(httpServer({ databaseTimeout: 600_000, requestBodyLimit }).timeout).toBe(2_400_000);
});
