import { describe, expect, test } from '@jest/globals';
import { createDigests } from '../../src/crypto/digests.ts';
import { createIds } from '../../src/crypto/ids.ts';
import { createRandomPool } from '../../src/crypto/random-pool.ts';

describe('ids', () => {
  const ids = createIds();

  test('are 128 bits and secrets 256 bits of base64url', () => {
    expect(ids.next()).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(ids.secret()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('do not repeat', () => {
    expect(new Set(Array.from({ length: 1000 }, () => ids.next())).size).toBe(1000);
  });
});

describe('the pool of random bytes', () => {
  test('hands out every byte once, fetches anew when too few are left, and wipes what it handed out', () => {
    const pools: Buffer[] = [];
    let filled = 0;
    const pool = createRandomPool((buffer) => {
      filled += 1;
      for (let i = 0; i < buffer.length; i += 1) buffer[i] = (filled * 7 + i) % 251;
      pools.push(buffer);
    });
    const first = Buffer.from(pool.base64url(32), 'base64url');
    const second = Buffer.from(pool.base64url(32), 'base64url');
    expect([...first, ...second]).toEqual(Array.from({ length: 64 }, (_, i) => (7 + i) % 251));
    expect(pools[0]?.subarray(0, 64).every((byte) => byte === 0)).toBe(true);

    for (let left = 4096 - 64; left >= 48; left -= 48) pool.base64url(48);
    expect(filled).toBe(1);
    expect(Buffer.from(pool.base64url(48), 'base64url')[0]).toBe(14);
    expect(filled).toBe(2);
  });

  test('refuses to hand out more than it holds', () => {
    expect(() => createRandomPool().base64url(4097)).toThrow(RangeError);
  });
});

describe('digests', () => {
  const digests = createDigests();

  test('compute S256 as in the example of RFC 7636, appendix B', () => {
    expect(digests.sha256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });

  test('compare values of any length without throwing', () => {
    expect(digests.equal('same', 'same')).toBe(true);
    expect(digests.equal('same', 'sane')).toBe(false);
    expect(digests.equal('', 'much longer')).toBe(false);
    expect(digests.equal('', '')).toBe(true);
    expect(digests.equal('ü', 'u')).toBe(false);
  });
});
