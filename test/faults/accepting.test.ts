import { tracingChannel } from 'node:diagnostics_channel';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';
import { serve } from '../../src/serve.ts';
import { freePort } from '../support/free-port.ts';
import { TEST_SETTINGS } from '../support/server.ts';
import { logEntries } from '../support/server-process.ts';

const listening = tracingChannel<string, { readonly server: Server }>('net.server.listen');

test('a server goes on when connections could not be accepted, and logs it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-'));
  mkdirSync(join(home, 'config'));
  writeFileSync(join(home, 'config/test.json'), JSON.stringify(TEST_SETTINGS));
  const [port, dataDir, logDir] = [await freePort(), join(home, 'data'), join(home, 'logs')];
  const env = { NODE_ENV: 'test', PORT: String(port), DATA_DIR: dataDir, LOG_DIR: logDir };
  let server: Server | undefined;
  const asyncStart = (event: { readonly server: Server }) => void (server = event.server);
  listening.subscribe({ asyncStart } as never);
  const serving = await serve(loadConfig(env, home));
  listening.unsubscribe({ asyncStart } as never);

  // As Node does when the system has no memory or no number for one more.
  try {
    for (let i = 0; i < 2; i += 1) server?.emit('error', new Error('accept ENOBUFS'));
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  } finally {
    await serving.stop();
  }
  const told = logEntries({ logDir }, 'app.log').filter(({ error }) => error === 'accept ENOBUFS');
  expect(told).toHaveLength(2);
  rmSync(home, { recursive: true });
});
