import { describe, expect, test } from '@jest/globals';
import { createEncryption, DecryptionError, deriveKey } from '../../src/crypto/encryption.ts';

const KEY = Buffer.alloc(32, 1);

describe('encryption at rest', () => {
  const encryption = createEncryption(KEY);

  test('gives back the text to the same key and context', () => {
    for (const text of ['', 'secret', 'ünïcode 🔑', 'x'.repeat(10_000)]) {
      expect(encryption.decrypt(encryption.encrypt(text, 'webhook 1'), 'webhook 1')).toBe(text);
    }
  });

  test('never gives the same result twice and says its version', () => {
    const [first, second] = [encryption.encrypt('a', 'c'), encryption.encrypt('a', 'c')];
    expect(first).toMatch(/^v1\.[A-Za-z0-9_-]+$/);
    expect(first).not.toBe(second);
  });

  test('refuses another context: a value moved to another row', () => {
    expect(() => encryption.decrypt(encryption.encrypt('a', 'webhook 1'), 'webhook 2')).toThrow(
      DecryptionError,
    );
  });

  test('refuses another key', () => {
    const other = createEncryption(Buffer.alloc(32, 2));
    expect(() => other.decrypt(encryption.encrypt('a', 'c'), 'c')).toThrow(DecryptionError);
  });

  test('refuses a change of any byte', () => {
    const bytes = Buffer.from(encryption.encrypt('text', 'c').slice(3), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => encryption.decrypt(`v1.${changed.toString('base64url')}`, 'c')).toThrow(DecryptionError);
    }
  });

  test.each(['', 'v1.', 'v2.AAAA', 'plain text', `v1.${Buffer.alloc(27, 1).toString('base64url')}`])(
    'refuses %p',
    (value) => {
      expect(() => encryption.decrypt(value, 'c')).toThrow(DecryptionError);
    },
  );
});

describe('derived keys', () => {
  test('have 32 bytes, are the same each time and differ by purpose and master', () => {
    const cookies = deriveKey(KEY, 'cookies');
    expect(cookies).toHaveLength(32);
    expect(deriveKey(KEY, 'cookies')).toEqual(cookies);
    expect(deriveKey(KEY, 'dpop nonce')).not.toEqual(cookies);
    expect(deriveKey(Buffer.alloc(32, 2), 'cookies')).not.toEqual(cookies);
  });

  test('need a whole master key', () => {
    expect(() => deriveKey(Buffer.alloc(31), 'cookies')).toThrow(RangeError);
    expect(() => createEncryption(Buffer.alloc(0))).toThrow(RangeError);
  });
});
