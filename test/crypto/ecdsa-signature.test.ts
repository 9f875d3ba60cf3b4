import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { joseSignature } from '../../src/crypto/ecdsa-signature.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** DER of a non-negative integer: no leading zeros but one before a set highest bit (X.690 §8.3). */
function integer(bytes: readonly number[]): number[] {
  const digits = bytes.slice(bytes.findIndex((byte) => byte !== 0));
  const positive = (digits[0] ?? 0) > 127 ? [0, ...digits] : digits;
  return [0x02, positive.length, ...positive];
}

function sequence(...parts: readonly number[][]): Uint8Array {
  const content = parts.flat();
  return Uint8Array.from([0x30, content.length, ...content]);
}

const number = fc
  .tuple(fc.nat(31), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => [...bytes].map((byte, i) => (i < zeros ? 0 : byte)))
  .filter((bytes) => bytes.some((byte) => byte !== 0));

describe('a DER signature over P-256, as JWS carries it', () => {
  test('holds R and S in 32 bytes each, however short they are (property)', () => {
    fc.assert(
      fc.property(number, number, (r, s) => {
        expect([...joseSignature(sequence(integer(r), integer(s)))]).toEqual([...r, ...s]);
      }),
    );
  });

  test('is verified as such by another implementation (RFC 7518 section 3.4)', () => {
    for (let i = 0; i < 300; i += 1) {
      const input = Buffer.from(`input ${i}`);
      const signature = joseSignature(sign('sha256', input, privateKey));
      expect(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    }
  });

  test.each([
    ['nothing', []],
    ['another type', [0x31, 6, 0x02, 1, 1, 0x02, 1, 1]],
    ['a wrong length', [0x30, 7, 0x02, 1, 1, 0x02, 1, 1]],
    ['one integer', [0x30, 3, 0x02, 1, 1]],
    ['an empty integer', [0x30, 5, 0x02, 0, 0x02, 1, 1]],
    ['something behind the integers', [0x30, 8, 0x02, 1, 1, 0x02, 1, 1, 5, 0]],
    ['an integer that is cut off', [0x30, 6, 0x02, 1, 1, 0x02, 9, 1]],
    ['an integer of 33 bytes that is none of 32', [0x30, 38, 0x02, 33, ...Array(33).fill(1), 0x02, 1, 1]],
  ])('is refused when it is %s', (_what, bytes) => {
    expect(() => joseSignature(Uint8Array.from(bytes))).toThrow('not the DER of two P-256 integers');
  });
});
