import { describe, expect, jest, test } from '@jest/globals';
import { QueueFullError } from '../../src/crypto/bounded-queue.ts';
import { formatPasswordHash, parsePasswordHash } from '../../src/crypto/password-hash.ts';
import { type Argon2id, createPasswords } from '../../src/crypto/passwords.ts';

/** Cheap enough for a test. */
const COST = { memoryKiB: 64, passes: 1, parallelism: 1 };
const SALT = Buffer.alloc(16, 1).toString('base64').replace(/=+$/, '');
const TAG = Buffer.alloc(32, 2).toString('base64').replace(/=+$/, '');

describe('passwords', () => {
  const passwords = createPasswords(COST);

  test('verify against their own hash alone', async () => {
    const hash = await passwords.hash('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await passwords.verify('correct horse', hash)).toBe(true);
    expect(await passwords.verify('Correct horse', hash)).toBe(false);
    expect(await passwords.verify('', hash)).toBe(false);
  });

  test('are salted', async () => {
    expect(await passwords.hash('same')).not.toBe(await passwords.hash('same'));
  });

  test('verify hashes of other implementations, at the cost that these were made with', async () => {
    // From the test suite of the argon2 reference implementation.
    const hash = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    expect(await passwords.verify('password', hash)).toBe(true);
    expect(await passwords.verify('passwort', hash)).toBe(false);
  });

  test('are the same in either Unicode composition', async () => {
    const hash = await passwords.hash('caf\u00e9');
    expect(await passwords.verify('cafe\u0301', hash)).toBe(true);
  });

  test('cost one run whether the user exists, the hash is broken or the password is right', async () => {
    const run = jest.fn<Argon2id>(async (_password, _salt, tagBytes) => Buffer.alloc(tagBytes, 2));
    const counted = createPasswords(COST, run);
    const stored = `$argon2id$v=19$m=64,t=1,p=1$${SALT}$${TAG}`;
    const results: boolean[] = [];
    for (const hash of [stored, null, '', 'garbage']) results.push(await counted.verify('x', hash));
    expect(results).toEqual([true, false, false, false]);
    expect(run).toHaveBeenCalledTimes(4);
    for (const [, salt, tagBytes, cost] of run.mock.calls) {
      expect([salt.length, tagBytes, cost]).toEqual([16, 32, COST]);
    }
  });

  test('say no for an unknown user even if the run answered what is compared with', async () => {
    const echo: Argon2id = async (_password, _salt, tagBytes) => Buffer.alloc(tagBytes);
    expect(await createPasswords(COST, echo).verify('x', null)).toBe(false);
  });

  test('are computed a few at a time; a flood beyond the queue is refused', async () => {
    let running = 0;
    let most = 0;
    const slow: Argon2id = async (_password, _salt, tagBytes) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return Buffer.alloc(tagBytes);
    };
    const guarded = createPasswords(COST, slow);
    const results = await Promise.allSettled(Array.from({ length: 150 }, () => guarded.verify('x', null)));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(most).toBe(2);
    expect(refused).toHaveLength(48);
    for (const result of refused) expect(result.reason).toBeInstanceOf(QueueFullError);
  });

  test('cannot be configured at a cost that verification would refuse', () => {
    expect(() => createPasswords({ ...COST, memoryKiB: 1024 * 1024 })).toThrow(RangeError);
    expect(() => createPasswords({ ...COST, passes: 0 })).toThrow(RangeError);
    expect(() => createPasswords({ memoryKiB: 8, passes: 1, parallelism: 2 })).toThrow(RangeError);
    expect(() => createPasswords({ ...COST, passes: 1.5 })).toThrow(RangeError);
  });
});

describe('a password hash', () => {
  test('survives formatting and parsing', () => {
    const hash = { ...COST, salt: Buffer.alloc(16, 7), tag: Buffer.alloc(32, 9) };
    expect(parsePasswordHash(formatPasswordHash(hash))).toEqual(hash);
  });

  test.each([
    ['another variant', `$argon2i$v=19$m=64,t=1,p=1$${SALT}$${TAG}`],
    ['another version', `$argon2id$v=16$m=64,t=1,p=1$${SALT}$${TAG}`],
    ['no version', `$argon2id$m=64,t=1,p=1$${SALT}$${TAG}`],
    ['absurd memory', `$argon2id$v=19$m=4194304,t=1,p=1$${SALT}$${TAG}`],
    ['absurd passes', `$argon2id$v=19$m=64,t=1000000,p=1$${SALT}$${TAG}`],
    ['absurd lanes', `$argon2id$v=19$m=262144,t=1,p=1024$${SALT}$${TAG}`],
    ['a number too long to be one', `$argon2id$v=19$m=${'9'.repeat(400)},t=1,p=1$${SALT}$${TAG}`],
    ['too little memory for its lanes', `$argon2id$v=19$m=8,t=1,p=2$${SALT}$${TAG}`],
    ['no passes', `$argon2id$v=19$m=64,t=0,p=1$${SALT}$${TAG}`],
    ['a leading zero', `$argon2id$v=19$m=064,t=1,p=1$${SALT}$${TAG}`],
    ['a short salt', `$argon2id$v=19$m=64,t=1,p=1$c2FsdA$${TAG}`],
    ['a short tag', `$argon2id$v=19$m=64,t=1,p=1$${SALT}$c2hvcnQ`],
    ['an endless tag', `$argon2id$v=19$m=64,t=1,p=1$${SALT}$${'A'.repeat(100_000)}`],
    ['something behind it', `$argon2id$v=19$m=64,t=1,p=1$${SALT}$${TAG}\n`],
  ])('is refused with %s', (_what, text) => {
    expect(parsePasswordHash(text)).toBeUndefined();
  });
});
