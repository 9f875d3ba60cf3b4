import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IDENTITY_SCOPES, namedAgain, rightsOf } from '../../src/domain/identity-scope.ts';
import { scope } from './rights.ts';

describe('the rights of a scope', () => {
  test('are what is left without the scopes of OpenID Connect', () => {
    expect(rightsOf(['openid', 'reports:read', 'email', 'profile', 'offline_access'])).toEqual([
      'reports:read',
    ]);
    expect(rightsOf(IDENTITY_SCOPES)).toEqual([]);
  });

  test('are all of a scope that has nothing to do with identity, in their order', () => {
    fc.assert(
      fc.property(scope, (rights) => {
        expect(rightsOf(rights)).toEqual(rights);
        expect(rightsOf([...IDENTITY_SCOPES, ...rights])).toEqual(rights);
      }),
    );
  });

  test('keep what only looks like an identity scope', () => {
    expect(rightsOf(['openid:read', 'Openid', 'emails'])).toEqual(['openid:read', 'Openid', 'emails']);
  });
});

describe('what refreshing names again', () => {
  test.each([
    [
      'of a token for an API',
      ['openid', 'reports:read', 'offline_access'],
      ['reports:read'],
      ['reports:read'],
    ],
    ['of one for identity', ['openid', 'email', 'offline_access'], ['openid', 'email'], ['openid', 'email']],
    ['more identity than was granted', ['openid', 'email'], ['openid'], ['openid', 'email']],
    ['a right that was not', ['openid', 'reports:write'], ['reports:read'], ['reports:write']],
    ['nothing else', ['openid', 'offline_access'], ['reports:read'], ['openid', 'offline_access']],
  ])('%s', (_what, asked, held, left) => {
    expect(namedAgain(asked, held)).toEqual(left);
  });
});
