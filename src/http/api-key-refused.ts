import type { Unproven } from '../app/api-keys/authenticate-api-key.ts';
import { Problem } from './problem.ts';

/**
 * 401, the same for a key that is malformed, unknown, wrong, ended, or another agent's; RFC 9110 §15.5.2 wants a
 * challenge even where the credential stands in the body.
 */
export function apiKeyRefused({ clientId }: Unproven, members: Record<string, unknown> = {}): Problem {
  return new Problem(401, 'api_key_invalid', 'the API key is not valid', {
    members,
    headers: { 'WWW-Authenticate': 'ApiKey' },
    fact: { type: 'client_authentication_failed', clientId, reason: 'api_key_invalid' },
  });
}
