import { audienceMatches } from './audience-pattern.ts';
import { touching, within } from './overlap.ts';
import type { PolicyMatch, PolicyRequest } from './policy.ts';

interface About {
  readonly match: PolicyMatch;
  readonly except?: PolicyMatch | undefined;
}

/**
 * Whether a policy that refuses or bounds is about a request: as soon as anything of what is asked is meant, and not all
 * of it is spared. INVARIANT: asking for more never leads out of such a policy.
 */
export function restricts({ match, except }: About, request: PolicyRequest): boolean {
  return concerns(match, request) && !(except && includes(except, request));
}

/**
 * Whether a policy that permits is about a request: only if nothing of what is asked lies outside, or is spared.
 * INVARIANT: asking for more never leads into such a policy.
 */
export function permits({ match, except }: About, request: PolicyRequest): boolean {
  return includes(match, request) && !(except && concerns(except, request));
}

/** Anything of what is asked is meant. */
function concerns(match: PolicyMatch, request: PolicyRequest): boolean {
  const { scope, audiences } = request.authority;
  return (
    isAbout(match, request) &&
    (match.scopes === undefined || touching(match.scopes, scope).length > 0) &&
    (match.audiences === undefined || audiences.some((one) => isOneOf(match.audiences ?? [], one)))
  );
}

/** Nothing of what is asked lies outside. */
function includes(match: PolicyMatch, request: PolicyRequest): boolean {
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
