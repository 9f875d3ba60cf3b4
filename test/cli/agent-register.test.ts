import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { buildContext } from '../../src/build.ts';
import { registerFromCli } from '../../src/cli/agent-register.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createConsoleLoggers } from '../../src/log/console-loggers.ts';

test('an agent that was registered and could not be activated is told of with its credentials', async () => {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'taskgrant-register-'));
  const config = loadConfig({ DATA_DIR }, DATA_DIR);
  const parts = await buildContext(config, undefined, { openLoggers: () => createConsoleLoggers() });
  const { store } = parts.context;
  let commits = 0;
  const context = {
    ...parts.context,
    store: {
      ...store,
      async commit(unit: Parameters<typeof store.commit>[0]) {
        commits += 1;
        if (commits === 2) throw new Error('the database has gone');
        await store.commit(unit);
      },
    },
  };
  const printed: string[] = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const caller = { actor: 'cli', origin: null };
  const options = { name: 'Reader', description: '', tool: [], resource: [], activate: true, json: true };
  const registering = registerFromCli({ ...parts, config, context, caller }, options);
  await expect(registering).rejects.toThrow('the database has gone');
  jest.restoreAllMocks();
  expect(JSON.parse(printed.join(''))).toMatchObject({
    agent: { state: 'pending' },
    credentials: {
      client_secret: expect.stringMatching(/^tgs_/),
      registration_token: expect.any(String),
    },
  });
  await parts.store.close();
  await parts.loggers.close();
  rmSync(DATA_DIR, { recursive: true, force: true });
});
