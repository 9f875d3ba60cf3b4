import { type RateVerdict, tightestOf } from '../../domain/rate-limit.ts';

/**
 * The verdicts on one request, as the RateLimit fields tell them: lists of structured strings (RFC 9651) with
 * parameters, draft-ietf-httpapi-ratelimit-headers-10 §3 and §4. `q` points per `w` seconds; `r` are left, and `t`
 * seconds until there are more.
 *
 * The X-RateLimit fields say the same of the tightest limit alone, for clients that know no others: how many requests
 * it allows, how many are left, and at which second since the epoch it begins anew. `now`: milliseconds since the epoch.
 */
export function rateLimitFields(verdicts: readonly RateVerdict[], now: number): Record<string, string> {
  const { policy, remaining, resetSeconds } = tightestOf(verdicts);
  return {
    'X-RateLimit-Limit': String(policy.limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(Math.ceil(now / 1000) + resetSeconds),
    'RateLimit-Policy': verdicts
      .map(({ policy }) => `"${policy.name}";q=${policy.limit};w=${policy.windowSeconds}`)
      .join(', '),
    RateLimit: verdicts
      .map(({ policy, remaining, resetSeconds }) => `"${policy.name}";r=${remaining};t=${resetSeconds}`)
      .join(', '),
  };
}

/** What the audit trail calls every refusal of this kind. */
export const RATE_LIMITED = 'rate_limited';
