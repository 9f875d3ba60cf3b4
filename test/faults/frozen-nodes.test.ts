import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { ADMIN, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

/** `npm run test:faults` asks for twenty. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 1);
/** Frozen for longer, a node loses its transactions and its locks. */
const TIMEOUT_MS = 1000;
const CLIENTS = 8;
const WELL_AGAIN_MS = 15_000;

let nodes: NodeProcesses;
let agent: AgentParty;
let db: Knex;

beforeAll(async () => {
  nodes = await startNodeProcesses(3, { env: { RATE_LIMITS: 'off', DATABASE_TIMEOUT: String(TIMEOUT_MS) } });
  agent = await registerAgent(nodes.front, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  db = connect({ databaseUrl: nodes.databaseUrl, dataDir: '', poolMax: 2 });
});
afterAll(async () => {
  await db?.destroy();
  await nodes?.stop();
});

test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  'nodes that are frozen and go on, or are killed, lose and double nothing (%i)',
  async (round) => {
    const [frozen, killed] = [nodes.processes[round % 3], nodes.processes[(round + 1) % 3]];
    if (!frozen || !killed) throw new Error('there are three');
    const load = startLoad(nodes.front, { agent, clients: CLIENTS });
    await setTimeout(500 + 17 * round);
    frozen.signal('SIGSTOP');
    await setTimeout(round % 2 === 0 ? 2.5 * TIMEOUT_MS : 0.3 * TIMEOUT_MS);
    await killed.kill();
    await setTimeout(200);
    frozen.signal('SIGCONT');
    await killed.start();
    await load.turned(WELL_AGAIN_MS);
    await load.stop();
    // The balancer says 502 where a node is gone.
    const wrong = wrongRefusals(load) as readonly (readonly unknown[])[];
    expect(wrong.filter(([, status]) => status !== 502)).toEqual([]);
    expect(await brokenRows(db)).toEqual({});
    const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
    expect(load.tokens.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
    for (const node of nodes.each) {
      const active = new Map<string, boolean>();
      for (const one of load.tokens) {
        active.set(one.tokenId, (await introspect(node, ADMIN, one.token)).active as boolean);
      }
      expect(load.tokens.filter((one) => isEnded(one) && active.get(one.tokenId))).toEqual([]);
      expect(load.tokens.filter((one) => !isCovered(one) && !active.get(one.tokenId))).toEqual([]);
    }
  },
  90_000,
);
