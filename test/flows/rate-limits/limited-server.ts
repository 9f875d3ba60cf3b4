import { madeOnce } from '../../support/made.ts';
import type { Answer } from '../../support/requests.ts';
import { startServer, type TestServer } from '../../support/server.ts';

export const LIMITS = {
  tiers: { free: 12, pro: 500, enterprise: 5000 },
  resourceServers: 40,
  anonymous: 20,
  authenticationFailures: { perSource: 8, perClient: 5 },
  refusedTokens: 4,
  registrations: 3,
};

/** Behind a proxy that tells who asks: each test has addresses of its own. */
export function limitedServer(database: 'sqlite' | 'postgres'): TestServer {
  return madeOnce(
    () => startServer({ database, env: { TRUST_PROXY: '1' }, settings: { limits: LIMITS } }),
    (server) => server.stop(),
  );
}

/** Addresses that nobody else has used, as a proxy in front would tell them. */
let hosts = 0;
export function elsewhere(): Record<string, string> {
  hosts += 1;
  return { 'x-forwarded-for': `198.51.${Math.floor(hosts / 250)}.${(hosts % 250) + 1}` };
}

/** The answers to so many requests, one after another. */
export async function spend(count: number, request: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i += 1) answers.push(await request());
  return answers;
}
