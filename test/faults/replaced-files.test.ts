import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openDatabase } from '../../src/store/database.ts';
import { sqlitePlace } from '../store/databases.ts';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { logEntries } from '../support/server-process.ts';
import { ADMIN, clientCredentials, introspect, open, revoke } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
beforeEach(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off' } });
  agent = await registerAgent(server);
});
afterEach(() => server?.stop());

const file = (suffix = '') => join(dirname(server.logDir), `data/taskgrant.db${suffix}`);

/** What becomes of the files of an embedded database that a server has open. */
const MISHAPS: Readonly<Record<string, () => void>> = {
  'is removed': () => rmSync(file()),
  'is replaced by a copy': () => {
    copyFileSync(file(), file('.copy'));
    renameSync(file('.copy'), file());
  },
  'loses its log': () => rmSync(file('-wal')),
  'loses its index of the log': () => rmSync(file('-shm')),
};

/** At once, so that the thread that commits takes part. */
async function several(): Promise<number[]> {
  const asked = Array.from({ length: 4 }, () => clientCredentials(server, agent, pkce().parameters));
  return (await Promise.all(asked)).map(({ status }) => status);
}

const whats = Object.keys(MISHAPS);
test.each([...whats.map((what) => [what, false] as const), ['is replaced by a copy', true] as const])(
  'an embedded database that %s under its server acknowledges nothing that is lost (with its thread: %s)',
  async (what, withThread) => {
    for (let i = 0; withThread && i < 150; i += 1) await several();
    const task = await open(server, agent);
    MISHAPS[what]?.();
    const answers = await several();
    expect(new Set([...answers, (await revoke(server, agent, task.token)).status])).toEqual(new Set([503]));
    expect((await send(server, '/health/ready')).status).toBe(503);
    expect((await send(server, '/health/live')).status).toBe(200);
    const told = logEntries(server, 'error.log').map(({ error }) => String(error));
    expect(told.join()).toMatch(/taskgrant\.db\S* was removed or replaced/);
    expect((await introspect(server, ADMIN, task.token)).active).toBe(true);
  },
);

test('nothing is acknowledged either whose file is replaced in the midst of its transaction', async () => {
  const { settings, remove } = await sqlitePlace();
  const { knex, close } = await openDatabase(settings);
  await knex.raw('CREATE TABLE kept (value TEXT)');
  const held = join(settings.dataDir, 'taskgrant.db');
  const writing = knex.transaction(async (transaction) => {
    await transaction.raw("INSERT INTO kept VALUES ('lost')");
    copyFileSync(held, `${held}.copy`);
    renameSync(`${held}.copy`, held);
  });
  await expect(writing).rejects.toThrow('was removed or replaced while it was open');
  await close();
  await remove();
});
