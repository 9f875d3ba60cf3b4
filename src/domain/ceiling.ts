import type { Ceiling } from './agent.ts';
import { DomainError } from './errors.ts';
import { type Scope, wider } from './scope.ts';
import type { Audience, TaskRequest } from './task-request.ts';

/** @throws DomainError when the agent may never hold what is asked (R10). */
export function requireWithinCeiling(ceiling: Ceiling, request: TaskRequest): void {
  requireNames(ceiling.rights, request.scope, 'scope_exceeds_ceiling', 'the agent may not be granted');
  requireNames(ceiling.tools, request.tools, 'details_exceed_ceiling', 'the agent may not use the tools');
  requireNames(
    ceiling.resources,
    request.resources,
    'details_exceed_ceiling',
    'the agent may not use the resources',
  );
  requireAudiences(ceiling, request.audiences ?? []);
}

/** @throws DomainError `audience_not_subset` for an audience outside the agent's list. */
export function requireAudiences(ceiling: Pick<Ceiling, 'audiences'>, audiences: readonly string[]): void {
  if (ceiling.audiences === null) return;
  const refused = audiences.filter((audience) => !ceiling.audiences?.includes(audience));
  if (refused.length > 0) {
    throw new DomainError('audience_not_subset', `the agent may not use ${refused.join(' ')}`, { refused });
  }
}

/**
 * What of the audiences of something that was issued before the agent may still use.
 * @throws DomainError `audience_not_subset` when nothing of them is left.
 */
export function stillUsable(
  ceiling: Pick<Ceiling, 'audiences'>,
  audiences: readonly string[],
): readonly string[] {
  const kept = audiences.filter((one) => ceiling.audiences === null || ceiling.audiences.includes(one));
  if (kept.length === 0) requireAudiences(ceiling, audiences);
  return kept;
}

/** @throws DomainError `scope_exceeds_ceiling` for a right that none of the audiences knows. */
export function requireOffered(audiences: readonly Audience[], scope: Scope): void {
  if (audiences.some((audience) => audience.scopes === null)) return;
  const offered = audiences.flatMap((audience) => audience.scopes ?? []);
  requireNames(offered, scope, 'scope_exceeds_ceiling', 'the resource does not know');
}

/** The part of a default that the audiences know. */
export function offeredPart(audiences: readonly Audience[], scope: Scope): Scope {
  if (audiences.some((audience) => audience.scopes === null)) return scope;
  const offered = audiences.flatMap((audience) => audience.scopes ?? []);
  const refused = wider(offered, scope);
  return scope.filter((right) => !refused.includes(right));
}

type NamesCode =
  | 'scope_exceeds_ceiling'
  | 'details_exceed_ceiling'
  | 'scope_not_subset'
  | 'details_not_subset';

/** @throws DomainError with `code`, naming what is too much, unless `held` covers every name of `asked`. */
export function requireNames(
  held: Scope,
  asked: Scope | undefined,
  code: NamesCode,
  complaint: string,
): void {
  const refused = wider(held, asked ?? []);
  if (refused.length > 0) throw new DomainError(code, `${complaint}: ${refused.join(' ')}`, { refused });
}
