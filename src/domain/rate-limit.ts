/** At most `limit` points in a window of `windowSeconds`, for each key by itself. */
export interface RatePolicy {
  /** As it stands in the RateLimit fields and in the audit trail: lower-case letters and hyphens. */
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
  /** Points may be given back or forgotten, so "nothing left" is asked about again. */
  readonly forgiving?: boolean;
}

/** What a policy says about one request. */
export interface RateVerdict {
  readonly policy: RatePolicy;
  readonly allowed: boolean;
  /** Points left in the window; what other nodes spend meanwhile is not in it. */
  readonly remaining: number;
  /** Whole seconds until the window ends; at least 1. */
  readonly resetSeconds: number;
}

/** The verdict on a window that ends in `leftMs` milliseconds. */
export function verdictOf(
  policy: RatePolicy,
  allowed: boolean,
  remaining: number,
  leftMs: number,
): RateVerdict {
  return {
    policy,
    allowed,
    remaining: Math.max(0, remaining),
    resetSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
  };
}

/** The verdict that says most about what is left. @throws Error when there is none. */
export function tightestOf([first, ...others]: readonly RateVerdict[]): RateVerdict {
  if (!first) throw new Error('no limit applies');
  return others.reduce((a, b) => (isTighter(b, a) ? b : a), first);
}

function isTighter(a: RateVerdict, b: RateVerdict): boolean {
  if (a.allowed !== b.allowed) return !a.allowed;
  // Of two that forbid, the one that lasts longer says when to come back.
  return a.allowed ? a.remaining < b.remaining : a.resetSeconds > b.resetSeconds;
}
