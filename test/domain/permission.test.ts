import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isWildcard, partsOf, permissionCovers, permissionFault } from '../../src/domain/permission.ts';
import { covers, intersect, parseScope } from '../../src/domain/scope.ts';
import { meeting, wellFormed } from './permissions.ts';
import { refusal } from './rights.ts';

describe('the grammar of rights', () => {
  test.each([
    'read_weather',
    'example:read',
    'zendesk:tickets:read',
    'zendesk:tickets:*',
    'zendesk:*:*',
    '*:*:*',
    // As the forms of two components always were.
    '*:*',
    'files:*',
    '*:read',
    '*',
    'urn:example:mail:send',
    'https://api.example.com/mail.read',
  ])('knows %s', (text) => {
    expect(permissionFault(text)).toBeUndefined();
    expect(parseScope(text)).toEqual([text]);
  });

  test.each([
    ['*:tickets:read', 'has a wildcard before a name'],
    ['*:*:read', 'has a wildcard before a name'],
    ['*:tickets:*', 'has a wildcard before a name'],
    ['zendesk:*:read', 'has a wildcard before a name'],
    ['a:b:*:c', 'has a wildcard before a name'],
    ['zendesk:tick*:read', 'has a wildcard within a part'],
    ['rep*', 'has a wildcard within a part'],
    ['**', 'has a wildcard within a part'],
    ['zendesk::read', 'has an empty part'],
    [':tickets:read', 'has an empty part'],
    ['zendesk:tickets:', 'has an empty part'],
    ['reports:', 'has an empty part'],
    [':', 'has an empty part'],
    ['constructor:x:y', 'has a reserved name as a part: constructor'],
    ['x:__proto__:y', 'has a reserved name as a part: __proto__'],
    ['__proto__', 'has a reserved name as a part: __proto__'],
    ['prototype:read', 'has a reserved name as a part: prototype'],
    ['a:b:toString', 'has a reserved name as a part: toString'],
    ['hasOwnProperty', 'has a reserved name as a part: hasOwnProperty'],
    [`a:${'b'.repeat(65)}:c`, 'has a part of more than 64 characters'],
  ])('refuses %s and says why', (text, reason) => {
    expect(permissionFault(text)).toEqual({ kind: 'form', reason: expect.stringContaining(reason) });
    expect(refusal(() => parseScope(text))).toMatchObject({
      code: 'permission_invalid',
      message: expect.stringContaining(`${text} ${reason}`),
    });
  });

  test.each([
    ['', 'must have 1 to 128 characters'],
    ['x'.repeat(129), 'must have 1 to 128 characters'],
    ['a'.repeat(100_000), 'must have 1 to 128 characters'],
    ['zendesk:tickets:réad', 'must be printable ASCII'],
    ['zendesk:tickets:\u202eread', 'must be printable ASCII'],
    ['ｚendesk:tickets:read', 'must be printable ASCII'],
    ['zendesk:tickets:re\u0000ad', 'must be printable ASCII'],
    ['zendesk:tickets:read\n', 'must be printable ASCII'],
    ['\ud800', 'must be printable ASCII'],
    ['a b', 'must be printable ASCII'],
    ['a"b', 'must be printable ASCII'],
  ])('refuses %j, which RFC 6749 section 3.3 does not know', (text, reason) => {
    expect(permissionFault(text)).toEqual({ kind: 'characters', reason: expect.stringContaining(reason) });
  });

  test.each([
    ['x'.repeat(129), 'must have 1 to 128 characters'],
    ['réad', 'must be printable ASCII'],
  ])('says of %j in a scope what is wrong with it', (text, reason) => {
    expect(refusal(() => parseScope(text))).toMatchObject({
      code: 'parameter_invalid',
      message: expect.stringContaining(`each right ${reason}`),
    });
  });

  test('has an answer for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
        const fault = permissionFault(text);
        expect(fault === undefined || fault.reason.length > 0).toBe(true);
      }),
    );
  });

  test('of three components exactly the three wildcard levels and plain names are well-formed', () => {
    const part = fc.constantFrom('a', 'b', '*');
    fc.assert(
      fc.property(part, part, part, (...parts) => {
        const named = parts.map((one) => one !== '*');
        const isLevel = ['false,false,false', 'true,false,false', 'true,true,false', 'true,true,true'];
        expect(permissionFault(parts.join(':')) === undefined).toBe(isLevel.includes(String(named)));
      }),
    );
  });
});

describe('covering', () => {
  test.each([
    ['*:*:*', 'zendesk:tickets:read', true],
    ['*:*:*', 'zendesk:*:*', true],
    ['zendesk:*:*', 'zendesk:tickets:*', true],
    ['zendesk:*:*', 'zendesk:tickets:read', true],
    ['zendesk:tickets:*', 'zendesk:tickets:read', true],
    ['zendesk:tickets:*', 'zendesk:users:read', false],
    ['zendesk:tickets:*', 'zendesk:*:*', false],
    ['zendesk:*:*', '*:*:*', false],
    ['zendesk:tickets:read', 'zendesk:tickets:*', false],
    ['zendesk:*:*', 'zendeskx:tickets:read', false],
    // Forms do not mix: whoever holds everything of all services administers no server by it.
    ['*:*:*', 'admin:write', false],
    ['*:*:*', 'read_weather', false],
    ['*:*', 'zendesk:tickets:read', false],
    ['*', '*:*:*', false],
  ])('%s covers %s: %s', (held, asked, expected) => {
    expect(permissionCovers(held, asked)).toBe(expected);
  });

  test('a right covers itself', () => {
    fc.assert(fc.property(wellFormed, (one) => expect(permissionCovers(one, one)).toBe(true)));
  });

  test('what the covered one covers is covered too', () => {
    fc.assert(
      fc.property(meeting, meeting, meeting, (a, b, c) => {
        if (permissionCovers(a, b) && permissionCovers(b, c)) expect(permissionCovers(a, c)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('a wildcard covers the narrower right, and is never covered by it', () => {
    fc.assert(
      fc.property(meeting, meeting, (wide, narrow) => {
        fc.pre(wide !== narrow && permissionCovers(wide, narrow));
        expect(isWildcard(wide)).toBe(true);
        expect(permissionCovers(narrow, wide)).toBe(false);
        expect(partsOf(narrow)).toHaveLength(partsOf(wide).length);
      }),
      { numRuns: 2000 },
    );
  });

  test('what two scopes have in common is within both, and stays well-formed', () => {
    const scopes = fc.uniqueArray(meeting, { maxLength: 6 });
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        const common = intersect(a, b);
        expect(covers(a, common) && covers(b, common)).toBe(true);
        expect(common.map(permissionFault)).toEqual(common.map(() => undefined));
      }),
      { numRuns: 1000 },
    );
  });
});
