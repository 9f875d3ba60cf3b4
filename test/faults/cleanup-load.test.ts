import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { removeExpired } from '../../src/app/remove-expired.ts';
import { connect } from '../../src/store/database.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import type { TestServer } from '../support/server.ts';
import { open, revoke, TOKEN_PATH } from '../support/token-requests.ts';
import { makeBacklog } from './backlog.ts';
import { onEveryDatabase } from './nodes.ts';
import { keyHolder } from './proofs.ts';

/** Of each of five tables. */
const ROWS = 10_000;
const TABLES = ['tasks', 'tokens', 'audit_events', 'revocations', 'oidc_artifacts'];
const LONG_AGO = 400 * 86_400_000;
const RETENTION = { auditDays: 365, tasksDays: 90, tokensDays: 30, webhooksDays: 30 };
const CLIENTS = 4;

onEveryDatabase('a large backlog of expired rows', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  let knex: Knex;
  beforeAll(async () => {
    server = nodes().front;
    agent = await registerAgent(server);
    knex = connect(nodes().database);
    // A row of each kind, of which there will be many.
    const task = await open(server, agent);
    await revoke(server, agent, task.token);
    const { proof, ask } = await keyHolder(server, agent);
    await ask(await proof('POST', TOKEN_PATH));
    await makeBacklog(knex, ROWS, Date.now() - LONG_AGO);
  });
  afterAll(() => knex.destroy());

  test('is removed by all servers at once, each row once, while requests go on', async () => {
    const idle = await latencies(server, agent, setTimeout(1500));
    const cleaning = Promise.all(
      nodes().each.map(({ clock, taskgrant }) =>
        removeExpired({ clock, cleanup: taskgrant.store.cleanup, retention: RETENTION }),
      ),
    );
    const busy = await latencies(server, agent, cleaning);
    const removed = await cleaning;
    // The ledger keeps its last row, whatever its age: followers tell by it where the ledger ends.
    expect(removed.reduce((sum, count) => sum + count, 0)).toBe(TABLES.length * ROWS - 1);
    // No node leaves all of it to another one.
    expect(Math.min(...removed)).toBeGreaterThan(ROWS / 10);
    expect(busy.length).toBeGreaterThan(20);
    // Generous, for machines that have other things to do as well.
    expect(percentile(busy, 0.99)).toBeLessThan(10 * percentile(idle, 0.99) + 500);
    for (const table of TABLES) {
      const [row] = await knex(table).count({ rows: '*' });
      expect(Number(row?.['rows'])).toBeGreaterThan(0);
      const ended = table === 'audit_events' ? 'at' : 'expires_at';
      const old = await knex(table).where(ended, '<', Date.now() - LONG_AGO / 2);
      if (table !== 'revocations') expect(old).toEqual([]);
      else expect(old.map(({ seq }) => seq)).toEqual([await lastOf(knex)]);
    }
  }, 90_000);

  test('does not hold up the end of the server', async () => {
    await makeBacklog(knex, ROWS / 10, Date.now() - LONG_AGO);
    const { clock, taskgrant } = server;
    const ending = new AbortController();
    const parts = { clock, cleanup: taskgrant.store.cleanup, retention: RETENTION, signal: ending.signal };
    const removing = removeExpired(parts);
    ending.abort();
    expect(await removing).toBeLessThan(ROWS / 10);
  });
});

async function lastOf(knex: Knex): Promise<unknown> {
  const last = await knex('revocations').orderBy('seq', 'desc').first('seq');
  return last?.seq;
}

/** How long requests took, in milliseconds, that some clients sent one after the other until something was over. */
async function latencies(server: TestServer, agent: AgentParty, over: Promise<unknown>): Promise<number[]> {
  let ended = false;
  void over.finally(() => {
    ended = true;
  });
  const times: number[] = [];
  const client = async () => {
    while (!ended) {
      const began = performance.now();
      await open(server, agent);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return times;
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.POSITIVE_INFINITY;
}
