import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, adminToken } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Answer, bearer, postJson } from '../support/requests.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const ROUNDS = 4;
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
    });
    afterAll(async () => {
      await server?.stop();
      await database?.drop();
    });

    /** Registers agents, is cut off after some answers, and asks again for all of them. */
    async function round(number: number): Promise<void> {
      const admin = bearer(await adminToken(server));
      const agents = Array.from({ length: REQUESTS }, (_, i) => ({
        name: `Agent ${number} of ${i}.`,
        key: randomUUID(),
      }));
      const register = ({ name, key }: { name: string; key: string }): Promise<Answer> =>
        postJson(server, '/api/agents/register', { agent_name: name }, { ...admin, 'idempotency-key': key });
      const early = agents.map(async (agent, i) => {
        // One after the other, so that some are committed while others are answered; or as many as can be in one commit.
        await setTimeout(number % 2 === 0 ? i * APART_MS : 0);
        return register(agent).catch(() => undefined);
      });
      await answers(early, 2 + (number % 8));
      await server.kill();
      const answered = await Promise.all(early);
      await server.start();

      const again = await Promise.all(agents.map(register));
      expect(again.map(({ status }) => status)).toEqual(agents.map(() => 201));
      // What was answered is answered again, as if the first answer had been lost: to the server that is the same.
      for (const [i, before] of answered.entries()) {
        if (!before) continue;
        expect(again[i]?.text).toBe(before.text);
        expect(again[i]?.headers.get('idempotent-replayed')).toBe('true');
      }
      const path = `/api/agents/list?name=Agent%20${number}%20of&limit=200`;
      expect((await administer(server, 'GET', path)).agents).toHaveLength(REQUESTS);
      expect(answered.filter((before) => before !== undefined).length).toBeGreaterThan(0);
    }

    test('creates each thing once for those who ask again', async () => {
      for (let i = 0; i < ROUNDS; i += 1) await round(i);
    }, 120_000);
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
