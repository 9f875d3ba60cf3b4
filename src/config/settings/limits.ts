import { z } from 'zod';
import { setting, wholeNumber } from '../setting.ts';

const MOST = 100_000_000;

function requests(env: string, value: number, description: string, unit = 'requests per minute') {
  return setting(wholeNumber(1, MOST), { env, unit, default: value, description });
}

/** How much each may do in a while, all nodes together. An address stands for its network: an IPv6 /64 is one. */
export const limitSettings = {
  limits: z.strictObject({
    tiers: z.strictObject({
      free: requests('RATE_LIMIT_FREE', 600, 'Requests of one agent of the tier `free`.'),
      pro: requests('RATE_LIMIT_PRO', 6_000, 'Requests of one agent of the tier `pro`.'),
      enterprise: requests(
        'RATE_LIMIT_ENTERPRISE',
        60_000,
        'Requests of one agent of the tier `enterprise`; `taskgrant-admin` is one.',
      ),
    }),
    resourceServers: requests(
      'RATE_LIMIT_RESOURCE_SERVERS',
      600_000,
      'Requests of one resource server, whose daily work is introspection.',
    ),
    anonymous: requests(
      'RATE_LIMIT_ANONYMOUS',
      1_200,
      'Requests of one address that come without an authenticated client: metadata, pages, and the like.',
    ),
    authenticationFailures: z.strictObject({
      perSource: requests(
        'RATE_LIMIT_AUTHENTICATION_FAILURES',
        60,
        'Client authentications of one address that may fail.',
        'failures per minute',
      ),
      perClient: requests(
        'RATE_LIMIT_AUTHENTICATION_FAILURES_PER_CLIENT',
        10,
        'The same for one client that is claimed at one address.',
        'failures per minute',
      ),
    }),
    refusedTokens: requests(
      'RATE_LIMIT_REFUSED_TOKENS',
      600,
      'Access tokens of one address that may be refused before all of its tokens are, for the rest of the minute.',
      'tokens per minute',
    ),
    registrations: requests(
      'RATE_LIMIT_REGISTRATIONS',
      120,
      'Registrations of one address.',
      'registrations per hour',
    ),
    signIns: z.strictObject({
      perEmail: requests(
        'RATE_LIMIT_SIGN_INS_PER_EMAIL',
        10,
        'Attempts to sign in with one e-mail address, known or not. Those in browsers where it was signed in with before are counted apart, so that nobody can lock anybody out there.',
        'attempts per window',
      ),
      perSource: requests(
        'RATE_LIMIT_SIGN_INS',
        60,
        'Attempts of one address to sign in.',
        'attempts per window',
      ),
      windowSeconds: setting(wholeNumber(1, 86_400), {
        env: 'RATE_LIMIT_SIGN_IN_WINDOW',
        unit: 'seconds',
        default: 900,
        description: 'Time in which attempts to sign in are counted together.',
      }),
    }),
  }),
};
