import { unitOf } from '../app/audit/audit-trail.ts';
import { bootstrap } from '../app/bootstrap/bootstrap.ts';
import type { Bootstrapped } from '../app/bootstrap/bootstrap-options.ts';
import type { AppContext } from '../app/context.ts';
import type { Told } from '../app/unit-of-work.ts';
import type { Config } from '../config/config.ts';

/** The keyring, as far as a start has to do with it. */
interface SigningKeys {
  ensure(
    tell: (key: { readonly kid: string; readonly algorithm: string; readonly first: boolean }) => Told,
  ): Promise<void>;
}

/**
 * Puts what the server cannot do without into the store; answers what was made up, to be shown once. Nothing is made
 * when the start is refused.
 */
export function firstStart(context: AppContext, config: Config, keys: SigningKeys): Promise<Bootstrapped> {
  const options = {
    adminEmail: config.adminEmail,
    adminPassword: config.adminPassword,
    adminClientSecret: config.adminClientSecret,
    allowGenerate: !config.isProduction,
    exampleServers: config.resourceServers,
    scopes: Object.keys(config.scopes),
  };
  return bootstrap(context, options, () => ensureKeys(context, keys));
}

/** A key that signs with the algorithm of the configuration; one that is made is told of. */
export function ensureKeys(context: AppContext, keys: SigningKeys): Promise<void> {
  const caller = { actor: 'system', origin: null };
  return keys.ensure(({ kid, algorithm, first }) =>
    unitOf(context, caller, [], {
      type: first ? 'signing_key_created' : 'signing_key_rotated',
      reason: first ? 'first start' : 'SIGNING_ALG changed',
      details: { kid, algorithm },
    }),
  );
}
