import { describe, expect, test } from '@jest/globals';
import { createDigests } from '../../src/crypto/digests.ts';
import { createIds } from '../../src/crypto/ids.ts';

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
