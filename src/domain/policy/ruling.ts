import { DomainError } from '../errors.ts';
import type { Terms } from '../opening.ts';
import type { Authority } from '../task.ts';
import type { TaskRequest } from '../task-request.ts';
import type { PolicyRequest } from './policy.ts';
import { type PolicyFact, policyFact, type Verdict } from './verdict.ts';

/** What all policies together say of a request that none of them refuses. */
export interface Ruling {
  readonly verdicts: readonly Verdict[];
  /** The verdict with the shallowest level, if any sets one. */
  readonly shallowest: Verdict | undefined;
  /** When the task ends at the latest, in milliseconds since the epoch; undefined = no policy says. */
  readonly endsAt: number | undefined;
}

/** No policy is about the request. */
export const UNRULED: Ruling = { verdicts: [], shallowest: undefined, endsAt: undefined };

/**
 * Puts the verdicts together. INVARIANT: another verdict never raises a bound, and none outweighs a denial.
 * @throws DomainError `policy_denied` that names the first policy that refuses, and nothing of the others.
 */
export function rule(verdicts: readonly Verdict[], { openedAt }: Pick<PolicyRequest, 'openedAt'>): Ruling {
  const denial = verdicts.find(({ effect }) => effect === 'deny');
  if (denial) throw policyDenied(denial);
  const seconds = Math.min(...verdicts.map((verdict) => verdict.seconds ?? Infinity));
  const depths = verdicts.filter(({ maxDepth }) => maxDepth !== undefined);
  const [shallowest] = depths.toSorted((a, b) => (a.maxDepth ?? 0) - (b.maxDepth ?? 0));
  return { verdicts, shallowest, endsAt: seconds === Infinity ? undefined : openedAt + seconds * 1000 };
}

function policyDenied(denial: Verdict): DomainError {
  return new DomainError('policy_denied', `the policy ${denial.name} refuses this: ${denial.reason}`, {
    policy: [policyFact(denial)],
  });
}

/** What the audit trail keeps of a ruling: nothing when no policy was about the request. */
export function policyFacts({ verdicts }: Ruling): { readonly policy?: readonly PolicyFact[] } {
  return verdicts.length === 0 ? {} : { policy: verdicts.map(policyFact) };
}

interface Place {
  /** Of the task; 0 at a root. */
  readonly depth: number;
  /** What the request names, if it does. */
  readonly asked: number | undefined;
}

/**
 * The terms of a new task within its bounds. INVARIANT: never more than without.
 * @throws DomainError `max_depth_exceeded`.
 */
export function boundTerms(terms: Terms, ruling: Ruling, place: Place): Terms {
  return {
    ...terms,
    maxDepth: Math.min(terms.maxDepth, requireWithinDepth(ruling, place)),
    expiresAt: boundExpiry(terms.expiresAt, ruling),
  };
}

/**
 * How many levels may be below a task.
 * @throws DomainError `max_depth_exceeded` when more are asked for by name.
 */
export function requireWithinDepth({ shallowest }: Ruling, { depth, asked }: Place): number {
  if (!shallowest) return Infinity;
  const allowed = (shallowest.maxDepth ?? Infinity) - depth;
  if (asked === undefined || asked <= allowed) return allowed;
  throw new DomainError(
    'max_depth_exceeded',
    `max_depth may be at most ${allowed} here: the policy ${shallowest.name} says so (${shallowest.reason})`,
    { allowed, policy: [policyFact(shallowest)] },
  );
}

/** When a token that is asked for until `expiresAt` ends. */
export function boundExpiry(expiresAt: number, { endsAt }: Ruling): number {
  return Math.min(expiresAt, endsAt ?? Infinity);
}

/** INVARIANT: at least what will be granted, so that a policy which permits it all permits the part as well. */
export function atMost(
  asked: Pick<TaskRequest, 'scope' | 'audiences' | 'tools' | 'resources'>,
  held: Authority,
): Authority {
  const { scope, audiences, tools, resources } = asked;
  return {
    scope: scope ?? held.scope,
    audiences: audiences ?? held.audiences,
    tools: tools ?? held.tools,
    resources: resources ?? held.resources,
  };
}
