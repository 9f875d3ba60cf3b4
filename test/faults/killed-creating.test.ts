import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, adminToken } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Answer, bearer, postJson } from '../support/requests.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** At least so many, and more until an answer was lost, which hangs on the moment: most often in the first few. */
const ROUNDS = { least: 6, most: 30 };
const REQUESTS = 40;
const APART_MS = 2;

describe.each(['the embedded database', 'PostgreSQL'])(
  'a server that is killed while it creates, on %s',
  (kind) => {
    let database: TestDatabase | undefined;
    let server: ServerProcess;
    beforeAll(async () => {
      database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
      server = await startServerProcess({ databaseUrl: database?.url, env: { RATE_LIMITS: 'off' } });
    }, 30_000);
    afterAll(async () => {
      await server?.stop();
      await database?.drop();
    });

    /** Registers agents, is cut off after some answers, and asks again: how many were created and had not been answered. */
    async function round(number: number): Promise<number> {
      const admin = bearer(await adminToken(server));
      const agents = Array.from({ length: REQUESTS }, (_, i) => ({
        name: `Agent ${number} of ${i}.`,
        key: randomUUID(),
      }));
      const register = ({ name, key }: { name: string; key: string }): Promise<Answer> =>
        postJson(server, '/api/agents/register', { agent_name: name }, { ...admin, 'idempotency-key': key });
      const early = agents.map(async (agent, i) => {
        // One after the other, so that some are committed while others are answered.
        await setTimeout(i * APART_MS);
        return register(agent).catch(() => undefined);
      });
      await answers(early, 2 + (number % 8));
      await server.kill();
      const answered = await Promise.all(early);
      await server.start();

      const again = await Promise.all(agents.map(register));
      expect(again.map(({ status }) => status)).toEqual(agents.map(() => 201));
      for (const [i, before] of answered.entries()) if (before) expect(again[i]?.text).toBe(before.text);
      const path = `/api/agents/list?name=Agent%20${number}%20of&limit=200`;
      expect((await administer(server, 'GET', path)).agents).toHaveLength(REQUESTS);
      const repeated = again.map(({ headers }) => headers.get('idempotent-replayed') === 'true');
      return repeated.filter((was, i) => was && !answered[i]).length;
    }

    test('creates each thing once for those who ask again', async () => {
      let lost = 0;
      for (let i = 0; i < ROUNDS.least || (lost === 0 && i < ROUNDS.most); i += 1) lost += await round(i);
      // It is these that would have been created twice.
      expect(lost).toBeGreaterThan(0);
    }, 240_000);
  },
);

/** Resolves when so many are there. */
function answers(awaited: readonly Promise<Answer | undefined>[], count: number): Promise<void> {
  let left = count;
  return new Promise((resolve) => {
    for (const one of awaited) {
      void one.then(() => {
        left -= 1;
        if (left === 0) resolve();
      });
    }
  });
}
