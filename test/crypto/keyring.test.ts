import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyring } from '../../src/crypto/keyring.ts';
import { SIGNING_ALGORITHMS } from '../../src/crypto/signing-key.ts';
import {
  createManualClock,
  keyringNode,
  type ManualClock,
  PUBLISH_AHEAD,
  VERIFY_AFTER,
} from '../support/keyring-node.ts';
import { createMemoryKeyStore, type MemoryKeyStore } from '../support/memory-key-store.ts';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

let store: MemoryKeyStore;
let clock: ManualClock;
beforeEach(() => {
  store = createMemoryKeyStore();
  clock = createManualClock();
});

const kids = (ring: Keyring) => ring.publicJwks().keys.map((key) => key.kid);

async function started(ring = keyringNode(store, clock)): Promise<Keyring> {
  await ring.ensure();
  return ring;
}

describe('a keyring', () => {
  test.each(SIGNING_ALGORITHMS)('publishes %s keys without their private parts', async (algorithm) => {
    const ring = await started(keyringNode(store, clock, { algorithm }));
    const { kid } = ring.current();
    const [shown] = ring.publicJwks().keys;
    expect(shown).toMatchObject({ kid, alg: algorithm, use: 'sig' });
    for (const member of PRIVATE_MEMBERS) expect(shown).not.toHaveProperty(member);
    expect(ring.privateJwks().keys).toEqual([expect.objectContaining({ ...shown, d: expect.any(String) })]);
  });

  test('stores private parts encrypted', async () => {
    const ring = await started();
    const d = ring.current().privateJwk.d;
    expect(d).toEqual(expect.any(String));
    expect(JSON.stringify(await store.all())).not.toContain(d);
  });

  test('makes its first key once', async () => {
    const first = await started();
    const again = await started();
    expect(again.current().kid).toBe(first.current().kid);
    expect(await store.all()).toHaveLength(1);
  });

  test('fails before its start', () => {
    expect(() => keyringNode(store, clock).current()).toThrow('was not started');
  });

  test('says that the encryption key is wrong, and makes no key beside the others', async () => {
    await started();
    const wrong = keyringNode(store, clock, { key: Buffer.alloc(32, 9) });
    await expect(wrong.ensure()).rejects.toThrow('ENCRYPTION_KEY does not match the stored keys');
    expect(await store.all()).toHaveLength(1);
  });

  test('does not trust the public part of a row', async () => {
    const foreign = await started(keyringNode(createMemoryKeyStore(), clock));
    const ring = await started();
    const honest = ring.publicJwks();
    store.tamper(ring.current().kid, { publicJwk: { ...foreign.current().publicJwk } });
    expect((await started()).publicJwks()).toEqual(honest);
  });

  test('refuses a row whose algorithm or key was exchanged', async () => {
    const { kid } = (await started()).current();
    store.tamper(kid, { algorithm: 'EdDSA' });
    await expect(started()).rejects.toThrow('ENCRYPTION_KEY does not match');
  });

  test('keeps what it knows when a refresh fails', async () => {
    const ring = await started();
    const { kid } = ring.current();
    store.tamper(kid, { encryptedPrivateJwk: 'v1.AAAA' });
    await expect(ring.refresh()).rejects.toThrow();
    expect(ring.current().kid).toBe(kid);
  });
});

describe('several nodes starting at once', () => {
  test('make one key between them', async () => {
    const nodes = Array.from({ length: 4 }, () => keyringNode(store, clock));
    await Promise.all(nodes.map((node) => node.ensure()));
    expect(new Set(nodes.map((node) => node.current().kid)).size).toBe(1);
    expect(await store.all()).toHaveLength(1);
  });

  test('with another algorithm begin one rotation between them', async () => {
    await started();
    const nodes = Array.from({ length: 4 }, () => keyringNode(store, clock, { algorithm: 'EdDSA' }));
    await Promise.all(nodes.map((node) => node.ensure()));
    expect((await store.all()).map(({ algorithm }) => algorithm)).toEqual(['ES256', 'EdDSA']);
  });

  test('use the key of a node whose clock is ahead', async () => {
    const ahead = await started(keyringNode(store, createManualClock(clock.time + 500)));
    const ring = await started();
    expect(ring.current().kid).toBe(ahead.current().kid);
    expect(await store.all()).toHaveLength(1);
  });
});

describe('a rotation', () => {
  test('publishes the new key, then signs with it, then forgets the old one', async () => {
    const ring = await started();
    const old = ring.current().kid;
    const { kid: next } = await ring.rotate(clock.now());
    expect(kids(ring)).toEqual([old, next]);
    expect(ring.current().kid).toBe(old);

    clock.time += PUBLISH_AHEAD;
    expect(ring.current().kid).toBe(next);
    expect(ring.privateJwks().keys.map((key) => key.kid)).toEqual([next, old]);
    expect(await ring.removeRetired(clock.now())).toBe(0);

    clock.time += VERIFY_AFTER - 1;
    expect(kids(ring)).toEqual([old, next]);
    clock.time += 1;
    expect(kids(ring)).toEqual([next]);
    expect(await ring.find(old)).toBeUndefined();
    expect(await ring.removeRetired(clock.now())).toBe(1);
    expect((await store.all()).map((row) => row.kid)).toEqual([next]);
  });

  test('is noticed by other nodes: when published, when it takes over, when the old key ends', async () => {
    const [ring, other] = [await started(), await started()];
    expect(await other.refresh()).toBe(false);
    const { kid: next } = await ring.rotate(clock.now());
    expect(await other.refresh()).toBe(true);
    expect(await other.refresh()).toBe(false);
    clock.time += PUBLISH_AHEAD;
    expect(await other.refresh()).toBe(true);
    expect(other.current().kid).toBe(next);
    clock.time += VERIFY_AFTER;
    expect(await other.refresh()).toBe(true);
    expect(await other.refresh()).toBe(false);
  });

  test('is announced by refresh on the node that made it, too', async () => {
    const ring = await started();
    await ring.rotate(clock.now());
    expect(await ring.refresh()).toBe(true);
  });

  test('by two nodes at once ends with one signing key on both', async () => {
    const [one, two] = [await started(), await started()];
    const rotated = await Promise.all([one.rotate(clock.now()), two.rotate(clock.now())]);
    expect(new Set(rotated.map(({ kid }) => kid)).size).toBe(1);
    expect(rotated.filter(({ made }) => made)).toHaveLength(1);
    clock.time += PUBLISH_AHEAD + 1;
    for (const node of [one, two]) await node.refresh();
    expect(one.current().kid).toBe(two.current().kid);
    expect(kids(one)).toEqual(kids(two));
    expect((await store.all()).filter((row) => row.retiresAt === null)).toHaveLength(1);
    clock.time += VERIFY_AFTER;
    expect(kids(one)).toEqual([one.current().kid]);
  });

  test('that waits already is answered, not doubled', async () => {
    const [one, two] = [await started(), await started()];
    const { kid } = await one.rotate(clock.now());
    expect(await two.rotate(clock.now())).toEqual({ kid, made: false });
    expect(await store.all()).toHaveLength(2);
  });

  test('that is to sign at once does so although another key waits, whose signatures verify all the same', async () => {
    const ring = await started();
    const { kid: waits } = await ring.rotate(clock.now());
    const { kid, made } = await keyringNode(store, clock, { publishAheadMs: 0 }).rotate(clock.now());
    expect(made).toBe(true);
    await ring.refresh();
    expect(ring.current().kid).toBe(kid);
    clock.time += 2 * PUBLISH_AHEAD;
    expect(ring.current().kid).toBe(kid);
    expect(kids(ring)).toContain(waits);
    clock.time += VERIFY_AFTER;
    expect(kids(ring)).toEqual([kid]);
  });

  test('that stopped after its insert works all the same', async () => {
    const ring = await started();
    const old = ring.current().kid;
    const { kid: next } = await ring.rotate(clock.now());
    store.tamper(old, { retiresAt: null });
    clock.time += PUBLISH_AHEAD;
    await ring.refresh();
    expect(ring.current().kid).toBe(next);
    clock.time += VERIFY_AFTER;
    expect(kids(ring)).toEqual([next]);
    expect(await ring.removeRetired(clock.now())).toBe(1);
  });

  test('by whoever thinks that tokens live shorter takes no key from those that still live', async () => {
    const ring = await started();
    const old = ring.current().kid;
    await keyringNode(store, clock, { verifyAfterMs: 10 }).rotate(clock.now());
    clock.time += PUBLISH_AHEAD - 1;
    await ring.refresh();
    expect(ring.current().kid).toBe(old);
    clock.time += VERIFY_AFTER;
    expect(await ring.removeRetired(clock.now())).toBe(0);
    expect(kids(ring)).toContain(old);
    clock.time += 1;
    expect(await ring.removeRetired(clock.now())).toBe(1);
  });

  test('begins when the configured algorithm changes', async () => {
    await started();
    const ring = await started(keyringNode(store, clock, { algorithm: 'EdDSA' }));
    expect(ring.current().algorithm).toBe('ES256');
    clock.time += PUBLISH_AHEAD;
    expect(ring.current().algorithm).toBe('EdDSA');
    expect(await store.all()).toHaveLength(2);
  });
});

describe('an unknown kid', () => {
  test('is looked for in the store', async () => {
    const [ring, other] = [await started(), await started()];
    const { kid: next } = await ring.rotate(clock.now());
    expect((await other.find(next))?.kid).toBe(next);
  });

  test('is found although another unknown one was looked for a moment ago', async () => {
    const [ring, other] = [await started(), await started()];
    expect(await other.find('a guess')).toBeUndefined();
    const { kid: next } = await ring.rotate(clock.now());
    expect((await other.find(next))?.kid).toBe(next);
  });

  test('is found by whoever asks while a read that began too early is under way', async () => {
    const [ring, other] = [await started(), await started()];
    const early = other.find('a guess');
    const { kid: next } = await ring.rotate(clock.now());
    expect((await other.find(next))?.kid).toBe(next);
    expect(await early).toBeUndefined();
  });

  test('shares its read with all others that are asked for at the same time', async () => {
    const ring = await started();
    const before = store.reads;
    await Promise.all(Array.from({ length: 50 }, (_, index) => ring.find(`guess-${index}`)));
    expect(store.reads - before).toBe(2);
  });

  test('is not called unknown when the store does not answer', async () => {
    const broken = {
      ...store,
      all: async () => {
        throw new Error('no answer');
      },
    };
    await expect(keyringNode(broken, clock).find('any')).rejects.toThrow('no answer');
  });

  test('does not hide a change from the next refresh', async () => {
    const [ring, other] = [await started(), await started()];
    await other.find((await ring.rotate(clock.now())).kid);
    expect(await other.refresh()).toBe(true);
  });
});
