import { z } from 'zod';
import { oneOf, setting, wholeNumber } from '../setting.ts';

/** What resource servers are told of revocations. */
export const revocationSettings = {
  revocations: z.strictObject({
    followers: setting(wholeNumber(0, 100_000), {
      env: 'REVOCATION_FOLLOWERS',
      default: 1000,
      description:
        'Resource servers that one server process lets follow the ledger at the same time; more get 503.',
    }),
    followersPerClient: setting(wholeNumber(0, 100_000), {
      env: 'REVOCATION_FOLLOWERS_PER_CLIENT',
      default: 100,
      description: 'The same for processes that use the credentials of one resource server.',
    }),
    statusLists: setting(oneOf(['on', 'off']), {
      env: 'STATUS_LISTS',
      default: 'off',
      description: 'Whether JWTs name a place in a Token Status List.',
    }),
    statusListMaxAge: setting(wholeNumber(2, 3600), {
      env: 'STATUS_LIST_MAX_AGE',
      unit: 'seconds',
      default: 60,
      description: 'How old what a status list says may be, wherever it is kept.',
    }),
  }),
};
