import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import knex from 'knex';
import {
  createReplayTable,
  createRequestTokenSigner,
  replaysOnKnex,
  requestReplaysInMemory,
  verifyRequestToken,
} from '../../src/requests/index.ts';
import { AGENT_URL, NOON, outcome, pair, receiver, trusting, wire } from './parties.ts';

const keys = pair('EdDSA');

async function asked(now = NOON, lifetime = 60) {
  const options = { issuer: 'orchestrator', privateKey: keys.privateKey, now: () => now, lifetime };
  const signer = await createRequestTokenSigner(options);
  return wire(await signer.sign(new Request(`${AGENT_URL}/ask`, { method: 'POST', body: '{}' })));
}

describe('used requests in memory', () => {
  test('are kept for as long as they could be used again, and then forgotten', async () => {
    let now = NOON;
    const store = requestReplaysInMemory({ now: () => now });
    const own = receiver(await trusting(keys.publicKey), { now: () => now, replays: store });
    const message = await asked();
    expect(await outcome(verifyRequestToken(message, own))).toBe('accepted');
    now = NOON + 64_999;
    expect(await outcome(verifyRequestToken(message, own))).toBe('replayed');
    now = NOON + 65_000;
    expect(await outcome(verifyRequestToken(message, own))).toBe('expired');
  });

  test('are bounded for each issuer: one that floods shuts out itself alone, and forgets nothing', async () => {
    const store = requestReplaysInMemory({ mostPerIssuer: 3, now: () => NOON });
    const spend = (key: string) => store.spend(key, NOON + 60_000);
    expect(['a.1', 'a.2', 'a.3', 'a.4', 'a.1'].map(spend)).toEqual([true, true, true, false, false]);
    expect(['b.1', 'b.1'].map(spend)).toEqual([true, false]);
  });

  test('of rivals one wins', async () => {
    const own = receiver(await trusting(keys.publicKey));
    const message = await asked();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => outcome(verifyRequestToken(message, own))),
    );
    expect(all.filter((one) => one === 'accepted')).toHaveLength(1);
    expect(all.filter((one) => one === 'replayed')).toHaveLength(19);
  });
});

describe('used requests on knex', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskgrant-replays-'));
  const connect = () =>
    knex({
      client: 'better-sqlite3',
      connection: { filename: join(folder, 'replays.sqlite') },
      useNullAsDefault: true,
    });
  let database: ReturnType<typeof connect>;

  beforeAll(async () => {
    database = connect();
    await createReplayTable(database);
    await createReplayTable(database);
  });
  afterAll(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  test('stay used over a restart (rotagent forgot them)', async () => {
    const message = await asked();
    const before = receiver(await trusting(keys.publicKey), { replays: replaysOnKnex(database) });
    expect(await outcome(verifyRequestToken(message, before))).toBe('accepted');
    await database.destroy();
    database = connect();
    const after = receiver(await trusting(keys.publicKey), {
      replays: replaysOnKnex(database, { now: () => NOON }),
    });
    expect(await outcome(verifyRequestToken(message, after))).toBe('replayed');
    expect(await outcome(verifyRequestToken(await asked(), after))).toBe('accepted');
  });

  test('of rivals one wins, at any of two services on the database', async () => {
    const second = connect();
    try {
      const trusted = await trusting(keys.publicKey);
      const services = [database, second].map((db) =>
        receiver(trusted, { replays: replaysOnKnex(db, { now: () => NOON }) }),
      );
      const message = await asked();
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          outcome(verifyRequestToken(message, services[i % 2] ?? services[0]!)),
        ),
      );
      expect(all.toSorted()).toEqual(['accepted', ...Array.from({ length: 9 }, () => 'replayed')]);
    } finally {
      await second.destroy();
    }
  });

  async function untilDeleted(id: string): Promise<boolean> {
    for (let i = 0; i < 100; i += 1) {
      if ((await database('request_replays').where('id', id)).length === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  }

  test('are deleted once no request can meet them any more', async () => {
    let now = NOON;
    const store = replaysOnKnex(database, { now: () => now });
    await store.spend('old.1', NOON + 66_000);
    now = NOON + 3_700_000;
    expect(await store.spend('new.1', now + 66_000)).toBe(true);
    expect(await untilDeleted('old.1')).toBe(true);
    const left = await database('request_replays').pluck('id');
    expect(left).toEqual(['new.1']);
  });

  test('stay used although a service has a clock that is minutes ahead', async () => {
    const [service, ahead] = [NOON, NOON + 600_000].map((now) => replaysOnKnex(database, { now: () => now }));
    expect(await service!.spend('used.1', NOON + 66_000)).toBe(true);
    // What it deletes is gone when it has deleted this one.
    await database('request_replays').insert({ id: 'ancient.1', expires_at: 1 });
    await ahead!.spend('other.1', NOON + 666_000);
    expect(await untilDeleted('ancient.1')).toBe(true);
    expect(await service!.spend('used.1', NOON + 66_000)).toBe(false);
  });

  test('are deleted in time after the clock was set back', async () => {
    let now = NOON + 86_400_000;
    const store = replaysOnKnex(database, { now: () => now });
    await store.spend('ahead.1', now + 66_000);
    now = NOON;
    await database('request_replays').insert({ id: 'ancient.2', expires_at: 1 });
    await store.spend('now.1', now + 66_000);
    expect(await untilDeleted('ancient.2')).toBe(true);
  });

  test('let nobody in when the database is away', async () => {
    const own = receiver(await trusting(keys.publicKey), {
      replays: replaysOnKnex(database, { table: 'no_such_table', now: () => NOON }),
    });
    const error = await verifyRequestToken(await asked(), own).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ reason: 'unavailable', status: 503 });
  });
});
