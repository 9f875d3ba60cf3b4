import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { removeExpired } from '../../src/app/remove-expired.ts';
import { connect } from '../../src/store/database.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';
import { refreshWith, registerWithKey, verified } from '../support/agent-auth.ts';
import { administer, asAdmin, type AgentParty, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ADMIN,
  clientCredentials,
  derive,
  introspect,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
} from '../support/token-requests.ts';
import { onEveryDatabase } from './nodes.ts';
import { assertingAgent, keyHolder } from './proofs.ts';

const DAY = 86_400;
const RETENTION = { auditDays: 4, tasksDays: 3, tokensDays: 2, webhooksDays: 4 };
const GRANTS = ['client_credentials', 'refresh_token', TOKEN_EXCHANGE];
/** A task may outlive the rows of its first tokens by far. */
const ENV = { TASK_MAX_TTL: String(300 * DAY), REFRESH_TOKEN_TTL: String(300 * DAY) };

/** What a server does every minute. */
function cleanUp({ taskgrant, clock }: TestServer): Promise<number> {
  return removeExpired({ clock, cleanup: taskgrant.store.cleanup, retention: RETENTION });
}

function refresh(server: TestServer, { agent, verifier, body }: OpenTask) {
  const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, code_verifier: verifier };
  return requestToken(server, agent, form);
}

onEveryDatabase(
  'cleaning up',
  (nodes) => {
    let server: TestServer;
    let agent: AgentParty;
    let knex: Knex;
    beforeAll(() => {
      server = nodes().front;
      knex = connect(nodes().database);
    });
    afterAll(() => knex.destroy());
    beforeEach(async () => {
      agent = await registerAgent(server, { grant_types: GRANTS });
    });
    const kept = async ({ taskId, tokenId }: OpenTask) => {
      const { store } = server.taskgrant;
      const { items } = await store.audit.search({ taskIds: [taskId] }, { limit: 10 });
      return {
        token: (await store.tokens.byId(tokenId)) !== undefined,
        task: (await store.tasks.byTaskId(taskId)) !== undefined,
        audit: items.some(({ type }) => type === 'task_opened'),
      };
    };
    /** Goes to the second after `days` have passed since `at`, or to the one before. */
    const goTo = (at: number, days: number, edge: 'before' | 'after') =>
      server.clock.advance((at - server.clock.now()) / 1000 + days * DAY + (edge === 'after' ? 1 : -1));

    test('keeps tokens, tasks and audit events each for its own time, to the second', async () => {
      const opened = server.clock.now();
      const task = await open(server, agent, { task_expires_in: 600 });
      const ended = opened + 600_000;
      for (const [days, gone] of [
        [RETENTION.tokensDays, { token: false }],
        [RETENTION.tasksDays, { token: false, task: false }],
      ] as const) {
        const before = await kept(task);
        goTo(ended, days, 'before');
        await cleanUp(server);
        expect(await kept(task)).toEqual(before);
        goTo(ended + 2000, days, 'after');
        await cleanUp(server);
        expect(await kept(task)).toEqual({ ...before, ...gone });
      }
      goTo(opened, RETENTION.auditDays, 'before');
      await cleanUp(server);
      expect(await kept(task)).toEqual({ token: false, task: false, audit: true });
      goTo(opened + 2000, RETENTION.auditDays, 'after');
      await cleanUp(server);
      expect(await kept(task)).toEqual({ token: false, task: false, audit: false });
    });

    test('[R3] a task_id stays taken when its task is long gone', async () => {
      const task = await open(server, agent, { task_id: 'gone-but-taken', task_expires_in: 60 });
      server.clock.advance(10 * DAY);
      await cleanUp(server);
      expect((await kept(task)).task).toBe(false);
      const again = await clientCredentials(server, agent, {
        task_id: 'gone-but-taken',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      });
      expect(again.body.task_error).toBe('task_id_taken');
    });

    test('[R2] a token through which something living was derived can be revoked, however old it is', async () => {
      const parent = await open(server, agent, { task_expires_in: 200 * DAY });
      const child = await derive(server, parent, { task_expires_in: 100 * DAY });
      server.clock.advance(50 * DAY);
      await cleanUp(server);
      expect((await refresh(server, child)).status).toBe(200);
      const revoked = await revoke(server, agent, parent.token);
      expect(revoked.body).toMatchObject({ revoked: true });
      const late = await open(server, agent);
      expect((await refresh(server, late)).status).toBe(200);
      expect((await refresh(server, child)).body.error).toBe('invalid_grant');
    });

    test('an API key that opened something living can be revoked, however long ago it was replaced', async () => {
      const { agentId, apiKey } = await registerWithKey(server);
      const { refreshToken } = await verified(server, { agentId, apiKey }, { task_expires_in: 20 * DAY });
      const keys = `/api/agents/${agentId}/api-keys`;
      const { api_keys } = await administer(server, 'GET', keys);
      const old = `${keys}/${api_keys[0].key_id}`;
      await administer(server, 'POST', `${old}/rotate`, { immediate: true });
      server.clock.advance(10 * DAY);
      await cleanUp(server);
      expect(await administer(server, 'DELETE', old)).toMatchObject({ revoked_tasks: 1 });
      expect((await refreshWith(server, refreshToken)).status).toBe(400);
      server.clock.advance(11 * DAY);
      await cleanUp(server);
      expect((await asAdmin(server, 'DELETE', old)).status).toBe(404);
    });

    test('[R2] the ledger remembers as long as anything that it ended could live', async () => {
      const task = await open(server, agent, { task_expires_in: 100 * DAY });
      await revoke(server, agent, task.body.refresh_token);
      const path = `/api/agents/${agent.clientId}`;
      await administer(server, 'POST', `${path}/suspend`, {});
      await administer(server, 'POST', `${path}/reactivate`, {});
      for (const day of [1, 60, 38]) {
        server.clock.advance(day * DAY);
        await cleanUp(server);
        expect((await refresh(server, task)).body.error).toBe('invalid_grant');
      }
      const ledger = () =>
        server.taskgrant.store.ledger.among([{ kind: 'agent', handle: agent.clientId, epoch: 0 }]);
      expect(await ledger()).toHaveLength(1);
      // The last row stays for those who follow the ledger.
      await revoke(server, agent, (await open(server, agent)).token);
      server.clock.advance(400 * DAY);
      await cleanUp(server);
      expect(await ledger()).toEqual([]);
    });

    test('a lineage that is shown is shown whole', async () => {
      const root = await open(server, agent, { task_expires_in: 20 * DAY });
      const child = await derive(server, root, { task_expires_in: 20 * DAY });
      const leaf = await derive(server, child, { task_expires_in: 20 * DAY });
      server.clock.advance(22 * DAY);
      await cleanUp(server);
      const chain = await asAdmin(server, 'GET', `/api/admin/audit/task-chain/${leaf.taskId}`);
      expect(chain.status).toBe(200);
      for (const each of [root, child, leaf]) expect((await kept(each)).task).toBe(true);
      server.clock.advance(2 * DAY);
      await cleanUp(server);
      for (const each of [root, child, leaf]) expect((await kept(each)).task).toBe(false);
    });

    test('[S35] [S31] a proof is remembered until it could not be accepted anyway', async () => {
      const client = await assertingAgent(server);
      const { proof, ask } = await keyHolder(server, agent);
      const [assertion, early] = [await client.assertion(), await proof('POST', TOKEN_PATH, { ahead: 280 })];
      expect((await client.ask(server, assertion)).status).toBe(200);
      expect((await ask(early)).status).toBe(200);
      server.clock.advance(59);
      await cleanUp(server);
      expect((await client.ask(server, assertion)).status).toBe(401);
      // Its date lies 280 seconds ahead, so that it would be accepted for 580 seconds.
      server.clock.advance(500);
      await cleanUp(server);
      expect((await ask(early)).status).toBe(400);
    });

    test('of a steady load nothing piles up', async () => {
      const counted: Record<string, number>[] = [];
      for (let day = 0; day < 8; day += 1) {
        for (let i = 0; i < 3; i += 1) await aDaysWork(server, agent);
        server.clock.advance(DAY);
        await cleanUp(server);
        counted.push(await rowCounts(knex));
      }
      const [first, earlier, last] = [counted[0] ?? {}, counted[5] ?? {}, counted[7] ?? {}];
      // Ids of tasks are never given out again: they are the one thing that is kept for ever (R3).
      const { task_ids: ids = 0, ...rest } = last;
      const { task_ids: idsEarlier = 0, ...restEarlier } = earlier;
      expect(rest).toEqual(restEarlier);
      expect(ids).toBeGreaterThan(idsEarlier);
      for (const table of ['tokens', 'tasks', 'audit_events']) {
        expect({ table, rows: first[table] }).not.toEqual({ table, rows: 0 });
        expect(last[table]).toBeLessThan(8 * (first[table] ?? 0));
      }
    });
  },
  { env: ENV },
);

/** Something of everything that leaves rows behind. */
async function aDaysWork(server: TestServer, agent: AgentParty): Promise<void> {
  const task = await open(server, agent, { task_expires_in: 60 });
  await derive(server, task);
  await refresh(server, task);
  await introspect(server, ADMIN, task.token);
  await revoke(server, agent, task.token);
  const { proof, ask } = await keyHolder(server, agent);
  await ask(await proof('POST', TOKEN_PATH), { task_expires_in: 60 });
}

/** How many rows each table has. */
async function rowCounts(knex: Knex): Promise<Record<string, number>> {
  const tables: { name: string }[] = isPostgres(knex)
    ? (await knex.raw("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")).rows
    : await knex.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await knex(name).count({ rows: '*' });
    counts[name] = Number(row?.['rows']);
  }
  return counts;
}

describe('a shorter maximum for tasks', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskgrant-cleanup-'));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  test('[R4] does not let what was cut off rise again', async () => {
    const ports = { DATA_DIR: dataDir, ISSUER: 'http://127.0.0.1:9' };
    const before = await startServer({ env: { ...ENV, ...ports } });
    const here = { ...before, issuer: before.address };
    const agent = await registerAgent(here, { grant_types: GRANTS });
    const task = await open(here, agent, { task_expires_in: 100 * DAY });
    await before.stop();

    const env = { ...ENV, ...ports, TASK_MAX_TTL: '3600', CODE_TASK_TTL: '3600' };
    const after = await startServer({ env });
    const there = { ...after, issuer: after.address };
    const path = `/api/agents/${agent.clientId}`;
    await administer(there, 'POST', `${path}/suspend`, {});
    await administer(there, 'POST', `${path}/reactivate`, {});
    expect((await refresh(there, task)).body.error).toBe('invalid_grant');
    after.clock.advance(10 * DAY);
    await cleanUp(there);
    expect((await refresh(there, task)).body.error).toBe('invalid_grant');
    await after.stop();
  });
});
