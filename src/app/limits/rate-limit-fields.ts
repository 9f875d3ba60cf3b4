import type { RateVerdict } from '../../domain/rate-limit.ts';

/**
 * The verdicts on one request, as the RateLimit fields tell them: lists of structured strings (RFC 9651) with
 * parameters, draft-ietf-httpapi-ratelimit-headers-10 §3 and §4. `q` points per `w` seconds; `r` are left, and `t`
 * seconds until there are more.
 */
export function rateLimitFields(verdicts: readonly RateVerdict[]): Record<string, string> {
  return {
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
