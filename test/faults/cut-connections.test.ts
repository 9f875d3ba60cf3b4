import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';
import { isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

/** `npm run test:faults` asks for twenty. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 1);
/** Less than the time within which a refresh token may be used again: the load does that. */
const SECONDS = 3;
/** DATABASE_TIMEOUT, and room for a busy machine. */
const WELL_AGAIN_MS = 10_000;

let database: TestDatabase;
let proxy: CuttingProxy;
let server: ServerProcess;
let agent: AgentParty;
let db: Knex;

beforeAll(async () => {
  database = await createDatabase();
  db = connect({ databaseUrl: database.url, dataDir: '', poolMax: 2 });
  proxy = await startCuttingProxy(database.url);
  server = await startServerProcess({ databaseUrl: proxy.url, env: { RATE_LIMITS: 'off' } });
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
});
afterAll(async () => {
  await server?.stop();
  await proxy?.close();
  await db?.destroy();
  await database?.drop();
});

test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  'connections that are cut anywhere lose nothing that was answered (%i)',
  async () => {
    const load = startLoad(server, { agent, clients: 24 });
    proxy.cut();
    await setTimeout(SECONDS * 1000);
    proxy.heal();
    await load.turned(WELL_AGAIN_MS);
    await load.stop();
    expect(proxy.cuts).toBeGreaterThan(SECONDS);
    expect(wrongRefusals(load)).toEqual([]);
    expect(load.failures.filter(({ answer }) => answer === undefined)).toEqual([]);
    expect(await brokenRows(db)).toEqual({});
    const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
    expect(load.tokens.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
    const active = new Map<string, boolean>();
    for (const one of load.tokens) {
      active.set(one.tokenId, (await introspect(server, ADMIN, one.token)).active as boolean);
    }
    expect(load.tokens.filter((one) => isEnded(one) && active.get(one.tokenId))).toEqual([]);
    expect(load.tokens.filter((one) => !isCovered(one) && !active.get(one.tokenId))).toEqual([]);
  },
);
