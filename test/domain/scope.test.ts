import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { permissionCovers } from '../../src/domain/permission.ts';
import { covers, formatScope, intersect, parseScope, wider } from '../../src/domain/scope.ts';
import { wellFormed } from './permissions.ts';
import { permits, refusalOf, right, scope } from './rights.ts';

describe('comparing two rights', () => {
  test.each([
    ['reports:read', 'reports:read', true],
    ['reports:*', 'reports:read', true],
    ['*:*', 'reports:read', true],
    ['*:*', 'reports:*', true],
    ['reports:*', 'reports:*', true],
    ['reports:read', 'reports:*', false],
    ['*:read', 'reports:*', false],
    ['reports:*', 'mail:read', false],
    ['reports', 'reports:read', false],
    ['reports:*', 'reports:q1:read', false],
    ['*', 'reports:read', false],
    ['rep*:read', 'reports:read', false],
    ['reports:*', 'reports:', false],
  ])('%s covers %s: %s', (held, asked, expected) => {
    expect(permissionCovers(held, asked)).toBe(expected);
  });

  test('every right covers itself', () => {
    fc.assert(fc.property(right, (one) => permissionCovers(one, one)));
  });

  test('covering carries on: what the covered one covers is covered too', () => {
    fc.assert(
      fc.property(right, right, right, (a, b, c) => {
        fc.pre(permissionCovers(a, b) && permissionCovers(b, c));
        expect(permissionCovers(a, c)).toBe(true);
      }),
      { numRuns: 300, maxSkipsPerRun: 1000 },
    );
  });

  test('a right without wildcards covers nothing but itself', () => {
    fc.assert(
      fc.property(right, right, (held, asked) => {
        fc.pre(!held.split(':').includes('*'));
        expect(permissionCovers(held, asked)).toBe(held === asked);
      }),
    );
  });

  test('a wildcard that is asked for is covered by a wildcard only', () => {
    fc.assert(
      fc.property(right, right, (held, asked) => {
        if (!permissionCovers(held, asked) || held === asked) return;
        const heldParts = held.split(':');
        for (const [i, part] of asked.split(':').entries()) if (part === '*') expect(heldParts[i]).toBe('*');
      }),
    );
  });

  test('says the same as patterns do', () => {
    fc.assert(
      fc.property(right, right, (held, asked) => {
        expect(permissionCovers(held, asked)).toBe(permits(held, asked));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('comparing scopes', () => {
  test('every scope covers itself, its parts and nothing at all', () => {
    fc.assert(
      fc.property(scope, fc.nat(), (held, from) => {
        expect(covers(held, held)).toBe(true);
        expect(covers(held, held.slice(from % (held.length + 1)))).toBe(true);
        expect(covers(held, [])).toBe(true);
      }),
    );
  });

  test('nothing covers nothing but nothing', () => {
    fc.assert(fc.property(scope, (asked) => covers([], asked) === (asked.length === 0)));
  });

  test('covering carries on from scope to scope', () => {
    fc.assert(
      fc.property(scope, scope, scope, (a, b, c) => {
        const held = [...a, ...b, ...c];
        const middle = [...b, ...c];
        expect(covers(held, middle) && covers(middle, c)).toBe(true);
        expect(covers(held, c)).toBe(true);
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
      }),
    );
  });

  test('one right in common is not enough: each right must be covered', () => {
    expect(covers(['reports:read'], ['reports:read', 'reports:write'])).toBe(false);
    expect(wider(['reports:read'], ['reports:write', 'reports:read', 'mail:*'])).toEqual([
      'reports:write',
      'mail:*',
    ]);
  });

  test('what both sides allow is covered by both', () => {
    fc.assert(
      fc.property(scope, scope, (a, b) => {
        const common = intersect(a, b);
        expect(covers(a, common)).toBe(true);
        expect(covers(b, common)).toBe(true);
        expect(new Set(common).size).toBe(common.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('what both sides allow leaves out no right that both of them name or cover', () => {
    fc.assert(
      fc.property(scope, scope, (a, b) => {
        const common = intersect(a, b);
        for (const one of a) expect(common.includes(one)).toBe(covers(b, [one]));
        expect(new Set(intersect(b, a))).toEqual(new Set(common));
      }),
    );
  });

  test('the narrower of two comparable rights is what both allow', () => {
    expect(intersect(['reports:*', 'mail:read'], ['reports:read', 'mail:*', 'files:read'])).toEqual([
      'mail:read',
      'reports:read',
    ]);
  });
});

describe('reading a scope', () => {
  test('drops repetitions and blanks, and keeps the order', () => {
    expect(parseScope(' reports:read  mail:* reports:read ')).toEqual(['reports:read', 'mail:*']);
    expect(parseScope('')).toEqual([]);
  });

  test('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.uniqueArray(wellFormed, { maxLength: 100 }), (rights) => {
        expect(parseScope(formatScope(rights))).toEqual(rights);
      }),
    );
  });

  test.each([
    'reports"read',
    'reports\\read',
    'reports\tread',
    'réports',
    'a\u0000b',
    'a\u007f',
    'x'.repeat(129),
  ])('refuses %j, which RFC 6749 section 3.3 does not allow', (text) => {
    expect(refusalOf(() => parseScope(text))).toBe('parameter_invalid');
  });

  test('takes a hundred rights and no more', () => {
    const rights = (count: number) => Array.from({ length: count }, (_, i) => `right:${i}`).join(' ');
    expect(parseScope(rights(100))).toHaveLength(100);
    expect(refusalOf(() => parseScope(rights(101)))).toBe('parameter_invalid');
  });
});
