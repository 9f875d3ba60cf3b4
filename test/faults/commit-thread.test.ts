import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { hasMetTrouble, type Trouble, trouble } from '../support/failing-commits.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { type AnsweredToken, isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

const CLIENTS = 12;
/** How often each trouble comes: twice among the long runs of `npm run test:faults`. */
const TIMES = process.env['KILL_ROUNDS'] === undefined ? 1 : 2;
/** DATABASE_TIMEOUT, after which a thread that does not answer is given up, and room for a busy machine. */
const WELL_AGAIN_MS = 6000;
const PRELOAD = new URL('../support/failing-commits.ts', import.meta.url).pathname;

let server: ServerProcess;
let agent: AgentParty;
let db: Knex;

beforeAll(async () => {
  server = await startServerProcess({
    env: { RATE_LIMITS: 'off', DATABASE_TIMEOUT: '1500', NODE_OPTIONS: `--import=${PRELOAD}` },
  });
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  db = connect({ dataDir: server.dataDir, poolMax: 1 });
});
afterAll(async () => {
  await db?.destroy();
  await server?.stop();
});

const ends = () =>
  logEntries(server, 'app.log').filter(({ message }) => message === 'the thread that commits has ended');

/** What the thread meets, again and again while requests arrive. */
const TROUBLES: Record<string, readonly Trouble[]> = {
  'dies in the middle of a batch': [
    { at: 'INSERT INTO tokens', dies: 'after', times: 1 },
    { at: 'COMMIT', dies: 'before', times: 1 },
  ],
  'dies before it can tell of a commit': [{ at: 'COMMIT', dies: 'after', times: 1 }],
  'finds the disk full or failing': [
    { at: 'COMMIT', code: 'SQLITE_FULL', times: 2 },
    { at: 'BEGIN', code: 'SQLITE_IOERR', times: 2 },
  ],
  'answers no more': [{ at: 'COMMIT', stallsMs: 60_000, times: 1 }],
};

/** Puts trouble in the way of the thread, and waits until it has met all of it. */
async function meet(what: Trouble): Promise<void> {
  trouble(server.dataDir, what);
  const late = performance.now() + 30_000;
  while (!hasMetTrouble(server.dataDir)) {
    if (performance.now() > late) throw new Error('the thread meets no trouble');
    await setTimeout(10);
  }
}

async function expectAllKept(tokens: readonly AnsweredToken[]): Promise<void> {
  expect(await brokenRows(db)).toEqual({});
  const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
  expect(tokens.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
  for (const one of tokens.slice(-50)) {
    const { active } = await introspect(server, ADMIN, one.token);
    if (active) expect(isEnded(one)).toBe(false);
    else expect(isCovered(one)).toBe(true);
  }
}

describe('a server whose committing thread is in trouble under load', () => {
  test.each(Object.entries(TROUBLES))(
    'loses nothing and doubles nothing when it %s',
    async (_name, troubles) => {
      const load = startLoad(server, { agent, clients: CLIENTS });
      try {
        for (let i = 0; i < TIMES; i += 1) for (const one of troubles) await meet(one);
        trouble(server.dataDir);
        // What was on its way when the last trouble came is answered, and more after it.
        await load.turned(WELL_AGAIN_MS);
        const before = load.tokens.length;
        await load.turned(WELL_AGAIN_MS);
        expect(load.tokens.length).toBeGreaterThan(before);
      } finally {
        await load.stop();
      }
      expect(wrongRefusals(load)).toEqual([]);
      expect(load.failures.filter(({ answer }) => answer === undefined)).toEqual([]);
      await expectAllKept(load.tokens);
    },
  );

  test('has told of each end of the thread', () => {
    // In the middle, at COMMIT, after it, and without an answer.
    expect(ends()).toHaveLength(4 * TIMES);
  });

  const moments = ['before', 'after'] as const;
  test.each(moments)('keeps what it answered when it is killed %s the thread commits', async (dies) => {
    const load = startLoad(server, { agent, clients: CLIENTS, restMs: 1000 });
    await meet({ at: 'COMMIT', dies, kills: true, times: 1 });
    expect(await server.exited()).toEqual({ code: null, signal: 'SIGKILL' });
    await load.stop();
    trouble(server.dataDir);
    await server.start();
    expect(wrongRefusals(load)).toEqual([]);
    await expectAllKept(load.tokens);
  });

  test('ends in order, and its thread with it', async () => {
    const load = startLoad(server, { agent, clients: CLIENTS, restMs: 1000 });
    await meet({ at: 'BEGIN', times: 1 });
    server.signal('SIGTERM');
    expect(await server.exited()).toEqual({ code: 0, signal: null });
    await load.stop();
    await server.start();
    await expectAllKept(load.tokens);
  });
});
