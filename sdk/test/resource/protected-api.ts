import { type Guard, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import type { ResourceServerParty } from '../../../test/support/parties.ts';
import type { RunningServer } from '../../../test/support/server.ts';

const SCOPE = 'reports:read';

/** A guard of the resource server's API; the credentials are its own. */
export function guardOf(
  { issuer }: Pick<RunningServer, 'issuer'>,
  { clientId, clientSecret, audience }: ResourceServerParty,
  over: Partial<ProtectOptions> = {},
): Guard {
  return protect({ issuer, audience, scope: SCOPE, credentials: { clientId, clientSecret }, ...over });
}

/** A request with a token, as a framework would hand it over. */
export function withToken(token: string, headers: Record<string, string> = {}, method = 'GET') {
  return { method, url: '/reports', headers: { authorization: `Bearer ${token}`, ...headers } };
}

/** What a guard says of a token: 200, or the status of the refusal. */
export async function statusOf(guard: Guard, token: string): Promise<number> {
  const answer = await guard.authenticate(withToken(token));
  return answer.accepted ? 200 : answer.status;
}

/** Milliseconds until the guard refuses the token with 401. @throws Error when it does not within `most`. */
export async function untilRefused(guard: Guard, token: string, most: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const status = await statusOf(guard, token);
    const spent = performance.now() - began;
    if (status === 401) return spent;
    if (spent > most) throw new Error(`the token still gets ${status} after ${Math.round(spent)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
