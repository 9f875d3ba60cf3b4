import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Artifact } from '../../src/app/artifact.ts';
import type { StoredKey } from '../../src/app/ports/keys.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anEvent, anId, aUnit, T0 } from '../support/fixtures.ts';
import { createManualClock, keyringNode } from '../support/keyring-node.ts';
import { onEveryDatabase } from './databases.ts';

onEveryDatabase('records of the OAuth engine', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });

  test('are found by model and id, expired ones too', async () => {
    const artifact = anArtifact({ expiresAt: 1 });
    await store.artifacts.upsert(artifact);
    expect(await store.artifacts.find('Session', artifact.id)).toEqual(artifact);
    expect(await store.artifacts.find('Interaction', artifact.id)).toBeUndefined();
  });

  test('are kept apart by model when the id is the same', async () => {
    const session = anArtifact();
    const grant = { ...session, model: 'Grant', payload: { other: true } };
    await store.artifacts.upsert(session);
    await store.artifacts.upsert(grant);
    const both = [store.artifacts.find('Session', session.id), store.artifacts.find('Grant', session.id)];
    expect(await Promise.all(both)).toEqual([session, grant]);
  });

  test('are replaced by update while they are there, and stay gone afterwards', async () => {
    const artifact = anArtifact();
    await store.artifacts.upsert(artifact);
    const changed = { ...artifact, payload: { changed: true }, accountId: 'somebody', expiresAt: T0 + 1 };
    await store.artifacts.update({ ...changed, consumedAt: T0 });
    expect(await store.artifacts.find(artifact.model, artifact.id)).toEqual(changed);
    await store.artifacts.destroy(artifact.model, artifact.id);
    await store.artifacts.update(changed);
    expect(await store.artifacts.find(artifact.model, artifact.id)).toBeUndefined();
  });

  test('are replaced by upsert, but never made unused again', async () => {
    const artifact = anArtifact({ consumedAt: T0 });
    await store.artifacts.upsert(artifact);
    const saved = { ...artifact, payload: { saved: 'again' }, consumedAt: null, grantId: 'grant' };
    await store.artifacts.upsert(saved);
    expect(await store.artifacts.find('Session', artifact.id)).toEqual({ ...saved, consumedAt: T0 });
  });

  test('are inserted once: of many replays one is the first', async () => {
    const artifact = anArtifact({ model: 'ReplayDetection' });
    const firsts = await Promise.all(Array.from({ length: 20 }, () => store.artifacts.insert(artifact)));
    expect(firsts.filter(Boolean)).toHaveLength(1);
  });

  test('are saved together with those that come at the same time, the last word winning', async () => {
    const ids = Array.from({ length: 20 }, () => anId());
    const saves = ids.flatMap((id, n) => [
      anArtifact({ id, payload: { n, version: 1 }, consumedAt: n === 0 ? T0 : null }),
      anArtifact({ id, payload: { n, version: 2 } }),
    ]);
    await Promise.all(saves.map((artifact) => store.artifacts.upsert(artifact)));
    const found = await Promise.all(ids.map((id) => store.artifacts.find('Session', id)));
    expect(found.map((artifact) => artifact?.payload)).toEqual(ids.map((_, n) => ({ n, version: 2 })));
    expect(found.map((artifact) => artifact?.consumedAt ?? null)).toEqual(
      ids.map((_, n) => (n === 0 ? T0 : null)),
    );
  });

  test('are found by uid and listed by account', async () => {
    const accountId = anId();
    const sessions = [
      anArtifact({ accountId, uid: anId() }),
      anArtifact({ accountId }),
      anArtifact({ accountId }),
    ];
    for (const session of [...sessions, anArtifact({ accountId, model: 'Grant' })]) {
      await store.artifacts.upsert(session);
    }
    expect(await store.artifacts.findByUid('Session', sessions[0]?.uid ?? '')).toEqual(sessions[0]);
    expect(await store.artifacts.findByUid('Grant', sessions[0]?.uid ?? '')).toBeUndefined();
    const all = async (some: readonly Artifact[]) => some.map(() => true);
    const first = await store.artifacts.ofAccount('Session', accountId, { limit: 2 }, all);
    const rest = { limit: 2, after: first.next ?? '' };
    const second = await store.artifacts.ofAccount('Session', accountId, rest, all);
    const listed = [...first.items, ...second.items].map(({ id }) => id);
    const sorted = sessions.map(({ id }) => id).sort();
    expect(listed).toEqual(sorted);
    expect(second.next).toBeNull();
    const last = async (some: readonly Artifact[]) => some.map(({ id }) => id === sorted[2]);
    const kept = await store.artifacts.ofAccount('Session', accountId, { limit: 1 }, last);
    expect({ ids: kept.items.map(({ id }) => id), next: kept.next }).toEqual({
      ids: [sorted[2]],
      next: null,
    });
  });

  test('are destroyed one by one or with their grant', async () => {
    const grantId = anId();
    const [one, two] = [anArtifact({ grantId }), anArtifact({ grantId })];
    await store.artifacts.upsert(one);
    await store.artifacts.upsert(two);
    expect(await store.artifacts.destroy('Session', one.id)).toBe(true);
    expect(await store.artifacts.destroy('Session', one.id)).toBe(false);
    expect(await store.artifacts.find('Session', one.id)).toBeUndefined();
    expect(await store.artifacts.find('Session', two.id)).toEqual(two);
    await store.artifacts.destroyByGrant(grantId);
    expect(await store.artifacts.find('Session', two.id)).toBeUndefined();
  });

  describe('signing keys', () => {
    test('are listed oldest first, retired and removed', async () => {
      const [old, young] = [aKey(T0), aKey(T0 + 1)];
      await store.keys.insert(young);
      await store.keys.insert(old);
      expect(await store.keys.all()).toEqual([old, young]);
      await store.keys.retire(old.kid, T0 + 5);
      expect(await store.keys.all()).toEqual([{ ...old, retiresAt: T0 + 5 }, young]);
      await store.keys.remove(old.kid);
      await store.keys.remove(young.kid);
      expect(await store.keys.all()).toEqual([]);
    });

    test('are decided on by one at a time, as a whole or not at all', async () => {
      const addFirst = (key: StoredKey) =>
        store.keys.exclusively(async (keys) => {
          if ((await keys.all()).length === 0) await keys.insert(key);
        });
      const rivals = Array.from({ length: 8 }, (_, i) => aKey(T0 + i));
      await Promise.all(rivals.map(addFirst));
      const [made, ...others] = await store.keys.all();
      expect(others).toEqual([]);

      const broken = store.keys.exclusively(async (keys) => {
        await keys.remove(made?.kid ?? '');
        throw new Error('changed its mind');
      });
      await expect(broken).rejects.toThrow('changed its mind');
      expect(await store.keys.all()).toEqual([made]);
      await store.keys.remove(made?.kid ?? '');
    });

    test('are rotated with what the audit trail tells of it, or not at all', async () => {
      const ring = keyringNode(store.keys, createManualClock(T0));
      const told = aUnit([]);
      await store.commit(told);
      // An event that cannot be stored: it is there already.
      await expect(ring.rotate(T0, () => told)).rejects.toThrow();
      expect(await store.keys.all()).toEqual([]);
      const event = (kid: string) => anEvent({ type: 'signing_key_rotated', details: { kid } });
      const { kid } = await ring.rotate(T0, (kid) => aUnit([], { events: [event(kid)] }));
      expect(await store.keys.all()).toMatchObject([{ kid }]);
      const { items } = await store.audit.search({ type: 'signing_key_rotated' }, { limit: 10 });
      expect(items).toMatchObject([{ details: { kid } }]);
      await store.keys.remove(kid);
    });
  });
});

function anArtifact(over: Partial<Artifact> = {}): Artifact {
  return {
    model: 'Session',
    id: anId(),
    payload: { kind: 'Session', login: { at: 1 } },
    grantId: null,
    uid: null,
    accountId: null,
    clientId: null,
    consumedAt: null,
    expiresAt: null,
    ...over,
  };
}

function aKey(createdAt: number): StoredKey {
  return {
    kid: anId(),
    algorithm: 'ES256',
    publicJwk: { kty: 'EC', crv: 'P-256' },
    encryptedPrivateJwk: 'sealed',
    createdAt,
    activeFrom: createdAt + 10,
    retiresAt: null,
  };
}
