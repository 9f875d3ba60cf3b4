import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { opened, untilNoMoreIsOpen } from './left-open.ts';

test('a suite that has passed is told what it has left open, and waited for while it is closing', async () => {
  const before = opened();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  await expect(untilNoMoreIsOpen(before, 50)).rejects.toThrow('the suite has left open: TCPServerWrap');
  server.close();
  await untilNoMoreIsOpen(before);
});
