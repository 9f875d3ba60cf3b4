import { bootstrap } from './app/bootstrap/bootstrap.ts';
import type { Bootstrapped } from './app/bootstrap/bootstrap-options.ts';
import type { AppContext } from './app/context.ts';
import type { Config } from './config/config.ts';

/**
 * Puts what the server cannot do without into the store, once `prepare` has made what comes before it; answers what was
 * made up, to be shown once. Nothing is made when the start is refused.
 */
export function firstStart(
  context: AppContext,
  config: Config,
  prepare: () => Promise<void>,
): Promise<Bootstrapped> {
  const options = {
    adminEmail: config.adminEmail,
    adminPassword: config.adminPassword,
    adminClientSecret: config.adminClientSecret,
    allowGenerate: !config.isProduction,
    exampleServers: config.resourceServers,
    scopes: Object.keys(config.scopes),
  };
  return bootstrap(context, options, prepare);
}
