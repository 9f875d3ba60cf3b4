import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';

const MAIN = new URL('../../examples/webhook-receiver/main.ts', import.meta.url).pathname;
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

let receiver: ChildProcess;
let port: number;
beforeAll(async () => {
  port = await freePort();
  receiver = spawn(process.execPath, [MAIN], {
    env: { WEBHOOK_SECRET, PORT: String(port) },
    stdio: 'ignore',
  });
  while (!(await answers())) await setTimeout(50);
});
afterAll(() => void receiver.kill());

const answers = () =>
  fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }).then(
    ({ status }) => status === 401,
    () => false,
  );

test('goes on when a sender leaves in the middle of a body', async () => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
  await setTimeout(100);
  socket.destroy();
  await setTimeout(200);
  expect(await answers()).toBe(true);
});
