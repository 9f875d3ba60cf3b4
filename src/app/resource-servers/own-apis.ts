import type { AppSettings } from '../context.ts';

/** Where the example API is, which is a part of this server. */
export const EXAMPLE_API_PATH = '/api/oauth/protected';

/**
 * Audiences of this server itself: a token for one of them was shown to nobody else. Not whatever begins with the
 * issuer: other servers may stand behind paths of the same host.
 */
export function ownAudiences({ adminAudience, issuer }: AppSettings): readonly string[] {
  return [adminAudience, `${issuer}${EXAMPLE_API_PATH}`];
}
