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
