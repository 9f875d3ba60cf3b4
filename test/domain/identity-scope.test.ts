import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IDENTITY_SCOPES, rightsOf } from '../../src/domain/identity-scope.ts';
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
