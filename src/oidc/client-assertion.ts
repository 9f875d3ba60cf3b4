import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../app/ports.ts';

/** How far ahead the end of an assertion may lie. Whoever asks again signs another one. */
const LONGEST_SECONDS = 3600;
/** How far the clocks of a client may be ahead: an hour by them is a common lifetime. As much as the engine allows. */
const CLOCKS_APART_SECONDS = 15;

interface Claims {
  readonly aud?: unknown;
  readonly exp?: unknown;
}

/** What this server asks of a client assertion (RFC 7523 §3) beside the engine's own rules. Its signature was right. */
export function checkClientAssertion(clock: Clock) {
  return (ctx: KoaContextWithOIDC, { aud, exp }: Claims): void => {
    requireIssuerAsAudience(ctx, aud);
    requireNearEnd(exp, clock.now() / 1000);
  };
}

/**
 * S35: with any other audience beside it, an assertion that was sent to us could be played to another server, or the
 * other way round (draft-ietf-oauth-rfc7523bis §4).
 */
function requireIssuerAsAudience(ctx: KoaContextWithOIDC, aud: unknown): void {
  const audiences = [aud].flat();
  if (audiences.length === 1 && audiences[0] === ctx.oidc.issuer) return;
  throw refusal('aud of client_assertion must be the issuer alone');
}

/** RFC 7523 §3, item 4. Each is remembered until it ends, so that it works once: no client may have it kept for ever. */
function requireNearEnd(exp: unknown, now: number): void {
  if (typeof exp === 'number' && exp - now <= LONGEST_SECONDS + CLOCKS_APART_SECONDS) return;
  throw refusal('exp of client_assertion must be within an hour');
}

/** Other failures are not told to a stranger; who comes this far has proved to hold the client's key. */
function refusal(why: string): errors.InvalidClientAuth {
  return Object.assign(new errors.InvalidClientAuth(why), { error_description: why });
}
