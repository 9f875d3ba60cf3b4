import type { PolicyRequest } from './policy.ts';

/** What a policy sets for a task. */
export interface Bounds {
  /** The deepest level at which a task may stand; a root stands at 0. */
  readonly maxDepth?: number | undefined;
  /** How long a task may live from its opening, in seconds. */
  readonly seconds?: number | undefined;
}

/** What one policy says of one request. */
export interface Verdict extends Bounds {
  readonly name: string;
  readonly effect: 'allow' | 'deny' | 'bound';
  readonly reason: string;
}

/** One verdict as the audit trail keeps it. */
export interface PolicyFact {
  readonly name: string;
  readonly effect: Verdict['effect'];
  readonly reason: string;
  readonly max_depth?: number;
  /** Seconds. */
  readonly max_lifetime?: number;
}

export function policyFact({ name, effect, reason, maxDepth, seconds }: Verdict): PolicyFact {
  return {
    name,
    effect,
    reason,
    ...(maxDepth === undefined ? {} : { max_depth: maxDepth }),
    ...(seconds === undefined ? {} : { max_lifetime: seconds }),
  };
}

/** A bound as a verdict: a denial for a task that is beyond it already. */
export function bounded(
  { name, reason }: Pick<Verdict, 'name' | 'reason'>,
  bounds: Bounds,
  request: PolicyRequest,
): Verdict {
  const { maxDepth, seconds } = bounds;
  const tooDeep = maxDepth !== undefined && request.depth > maxDepth;
  const over = seconds !== undefined && request.openedAt + seconds * 1000 <= request.now;
  return { name, reason, ...bounds, effect: tooDeep || over ? 'deny' : 'bound' };
}
