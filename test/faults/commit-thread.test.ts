import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { type Trouble, trouble } from '../support/failing-commits.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

const CLIENTS = 12;
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
}, 30_000);
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

describe('a server whose committing thread is in trouble under load', () => {
  test.each(Object.entries(TROUBLES))(
    'loses nothing and doubles nothing when it %s',
    async (_name, troubles) => {
      const load = startLoad(server, { agent, clients: CLIENTS });
      // Long enough for a thread that has ended to be back.
      for (const one of [...troubles, ...troubles]) {
        await setTimeout(1500);
        trouble(server.dataDir, one);
      }
      await setTimeout(3000);
      trouble(server.dataDir);
      const before = load.tokens.length;
      await setTimeout(300);
      await load.stop();
      expect(load.tokens.length).toBeGreaterThan(before);
      expect(wrongRefusals(load)).toEqual([]);
      expect(load.failures.filter(({ answer }) => answer === undefined)).toEqual([]);
      expect(await brokenRows(db)).toEqual({});
      const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
      expect(load.tokens.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
      for (const one of load.tokens.slice(-50)) {
        const { active } = await introspect(server, ADMIN, one.token);
        if (active) expect(isEnded(one)).toBe(false);
        else expect(isCovered(one)).toBe(true);
      }
    },
    40_000,
  );

  test('tells of each end of the thread, and ends in order itself', async () => {
    expect(ends().length).toBeGreaterThanOrEqual(4);
    server.signal('SIGTERM');
    expect(await server.exited()).toEqual({ code: 0, signal: null });
  });
});
