import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, adminToken } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Answer, bearer, postJson } from '../support/requests.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const ROUNDS = 10;
const REQUESTS = 24;

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

    test(`creates each thing once for those who ask again, ${ROUNDS} times`, async () => {
      const lost = new Set<string>();
      for (let round = 0; round < ROUNDS; round += 1) {
        const admin = bearer(await adminToken(server));
        const names = Array.from({ length: REQUESTS }, (_, i) => `Agent ${round} of ${i}.`);
        const keys = new Map(names.map((name) => [name, randomUUID()]));
        const register = (name: string): Promise<Answer> =>
          postJson(
            server,
            '/api/agents/register',
            { agent_name: name },
            {
              ...admin,
              'idempotency-key': keys.get(name) ?? '',
            },
          );
        const early = names.map((name) => register(name).catch(() => undefined));
        // Each round another moment, so that another step of the work is cut off.
        await setTimeout(2 + 4 * round);
        await server.kill();
        const answered = await Promise.all(early);
        await server.start();

        const again = await Promise.all(names.map(register));
        expect(again.map(({ status }) => status)).toEqual(names.map(() => 201));
        for (const [i, before] of answered.entries()) {
          if (before) expect(again[i]?.text).toBe(before.text);
          else if (again[i]?.headers.get('idempotent-replayed') === 'true') lost.add(names[i] ?? '');
        }
        const { agents } = await administer(
          server,
          'GET',
          `/api/agents/list?name=Agent%20${round}%20of&limit=200`,
        );
        expect(agents).toHaveLength(REQUESTS);
      }
      // Some were created and not answered: it is these that would have been created twice.
      expect(lost.size).toBeGreaterThan(0);
    }, 120_000);
  },
);
