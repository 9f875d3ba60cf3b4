import { DomainError } from '../../domain/errors.ts';
import type { Caller } from '../audit/audit-trail.ts';
import { bootstrapAdminClient } from './bootstrap-admin-client.ts';
import { bootstrapAdministrator } from './bootstrap-administrator.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import { bootstrapResourceServers } from './bootstrap-resource-servers.ts';
import type { AppContext } from '../context.ts';

const SYSTEM: Caller = { actor: 'system', origin: null };
const ATTEMPTS = 5;

/**
 * Puts what the server cannot do without into the store: its own API, the declared resource servers, the built-in
 * client and the first administrator. Running it again changes only what the configuration changed; nodes that
 * start at once agree, and only the one that made a secret up shows it.
 * @throws DomainError when the configuration contradicts the store (an audience with another owner), or is wrong.
 */
export async function bootstrap(context: AppContext, options: BootstrapOptions): Promise<Bootstrapped> {
  await againAfterConflict(() => bootstrapResourceServers(context, SYSTEM, options.exampleServers));
  const adminClient = await againAfterConflict(() => bootstrapAdminClient(context, SYSTEM, options));
  const administrator = await againAfterConflict(() => bootstrapAdministrator(context, SYSTEM, options));
  return { administrator, adminClient };
}

/** A conflict means that another node was first: then everything is read and decided again. */
async function againAfterConflict<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      const conflict = error instanceof DomainError && error.code === 'conflict';
      if (!conflict || attempt === ATTEMPTS) throw error;
    }
  }
}
