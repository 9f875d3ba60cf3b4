import { audienceMatches } from './audience-pattern.ts';
import { touching, within } from './overlap.ts';
import type { PolicyMatch, PolicyRequest } from './policy.ts';

/**
 * Whether a policy that refuses or bounds is about a request: as soon as anything of what is asked is meant.
 * INVARIANT: asking for more never leads out of such a policy.
 */
export function concerns(match: PolicyMatch, request: PolicyRequest): boolean {
  const { scope, audiences } = request.authority;
  return (
    isAbout(match, request) &&
    (match.scopes === undefined || touching(match.scopes, scope).length > 0) &&
    (match.audiences === undefined || audiences.some((one) => isOneOf(match.audiences ?? [], one)))
  );
}

/**
 * Whether a policy that permits is about a request: only if nothing of what is asked lies outside.
 * INVARIANT: asking for more never leads into such a policy.
 */
export function includes(match: PolicyMatch, request: PolicyRequest): boolean {
  const { scope, audiences } = request.authority;
  return (
    isAbout(match, request) &&
    (match.scopes === undefined || within(match.scopes, scope)) &&
    (match.audiences === undefined || audiences.every((one) => isOneOf(match.audiences ?? [], one)))
  );
}

export function isOneOf(patterns: readonly string[], audience: string): boolean {
  return patterns.some((pattern) => audienceMatches(pattern, audience));
}

function isAbout(match: PolicyMatch, request: PolicyRequest): boolean {
  const { steps, clients, tiers, roles, subjects } = match;
  return (
    (steps === undefined || steps.includes(request.step)) &&
    (clients === undefined || clients.includes(request.clientId)) &&
    (tiers === undefined || tiers.includes(request.tier)) &&
    (roles === undefined || roles.some((role) => request.roles.includes(role))) &&
    (subjects === undefined || subjects.includes(request.subjectKind))
  );
}
