import type { Scope } from './scope.ts';

/** Scopes of OpenID Connect Core §5.4 and §11: the engine's own, and no matter of an agent's ceiling. */
export const IDENTITY_SCOPES: Scope = ['openid', 'offline_access', 'profile', 'email'];

/** The rights of a scope: what is left without the identity scopes. */
export function rightsOf(scope: Scope): Scope {
  return scope.filter((right) => !IDENTITY_SCOPES.includes(right));
}

/** What of a scope asks who the person is. */
export function identityOf(scope: Scope): Scope {
  return scope.filter((right) => IDENTITY_SCOPES.includes(right));
}

/**
 * What refreshing asks of a token that holds `held`. RFC 6749 §6: all that a person granted may be named again. But no
 * token holds `offline_access`, and one for an API none of the other identity scopes that were granted with its rights:
 * those ask for nothing. What is nothing else stays, to be refused.
 */
export function namedAgain(asked: Scope, held: Scope): Scope {
  const nothing = identityOf(held).length > 0 ? ['offline_access'] : IDENTITY_SCOPES;
  const something = asked.filter((right) => held.includes(right) || !nothing.includes(right));
  return something.length > 0 ? something : asked;
}
