import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { type AnsweredToken, isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

/** `npm run test:faults` asks for twenty; beside all other tests each database is killed less often. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 6);
const CLIENTS = 12;
/** Generous for a busy machine; a start that repairs anything, or reads everything, would grow with the rounds. */
const START_MS = 10_000;

/** What introspection says of each token, asked a few at a time. */
async function activeOnes(server: ServerProcess, tokens: readonly AnsweredToken[]): Promise<Set<string>> {
  const active = new Set<string>();
  const left = [...tokens];
  const ask = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      if ((await introspect(server, ADMIN, one.token)).active === true) active.add(one.tokenId);
    }
  };
  await Promise.all(Array.from({ length: 16 }, ask));
  return active;
}

describe.each(['the embedded database', 'PostgreSQL'])(
  'a server that is killed under load, on %s',
  (kind) => {
    let database: TestDatabase | undefined;
    let server: ServerProcess;
    let db: Knex;

    beforeAll(async () => {
      database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
      server = await startServerProcess({ databaseUrl: database?.url, env: { RATE_LIMITS: 'off' } });
      db = connect({ databaseUrl: database?.url, dataDir: server.dataDir, poolMax: 2 });
    });
    afterAll(async () => {
      await db?.destroy();
      await server?.stop();
      await database?.drop();
    });

    test(`keeps what it answered, and nothing by halves, ${ROUNDS} times`, async () => {
      const agent = await registerAgent(server, {
        grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
      });
      const all: AnsweredToken[] = [];
      let lost = 0;
      for (let round = 1; round <= ROUNDS; round += 1) {
        const load = startLoad(server, { agent, clients: CLIENTS, restMs: 1000 });
        // Each round another moment, so that another step of the work is cut off.
        await setTimeout(200 + 13 * round);
        // On a busy machine that is before there was work of each kind: the rarest is waited for.
        while (load.tokens.filter(({ revocation }) => revocation === 'answered').length < 2) {
          await setTimeout(13 * round);
        }
        expect(await server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
        await load.stop();
        expect(wrongRefusals(load)).toEqual([]);
        lost += load.failures.length;
        all.push(...load.tokens);

        const started = performance.now();
        await server.start();
        expect(performance.now() - started).toBeLessThan(START_MS);
        const active = await activeOnes(server, load.tokens);
        const wronglyEnded = load.tokens.filter((one) => !isCovered(one) && !active.has(one.tokenId));
        const wronglyActive = load.tokens.filter((one) => isEnded(one) && active.has(one.tokenId));
        expect([round, wronglyEnded, wronglyActive]).toEqual([round, [], []]);
        expect([round, await brokenRows(db)]).toEqual([round, {}]);
      }
      expect(lost).toBeGreaterThan(ROUNDS);
      // Every kind of work was done, and each answer has its event.
      const revoked = all.filter(({ revocation }) => revocation === 'answered');
      const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
      const ended = await recordedTokens(db, ['token_revoked']);
      expect(all.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
      expect(revoked.filter(({ tokenId }) => !ended.has(tokenId))).toEqual([]);
      expect(revoked.length).toBeGreaterThan(ROUNDS);
      expect(all.filter(({ parent }) => parent !== undefined).length).toBeGreaterThan(ROUNDS);
      expect((await recordedTokens(db, ['token_refreshed'])).size).toBeGreaterThan(ROUNDS);
    }, 180_000);
  },
);
