import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import { planAdminClient } from './bootstrap-admin-client.ts';
import { planAdministrator } from './bootstrap-administrator.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import { planResourceServers } from './bootstrap-resource-servers.ts';
import type { AppContext } from '../context.ts';
import type { Step } from './step.ts';

const SYSTEM: Caller = { actor: 'system', origin: null };
const ATTEMPTS = 5;

/**
 * Puts what the server cannot do without into the store: its own API, the declared resource servers, the built-in
 * client and the first administrator. Running it again changes only what the configuration changed; nodes that
 * start at once agree, and only the one that made a secret up shows it.
 *
 * All of it is one unit: a start that is refused has written nothing, and made up no secret that nobody is shown.
 * @param prepare is called when everything was found right, before anything is written.
 * @throws DomainError when the configuration contradicts the store (an audience with another owner), or is wrong.
 */
export async function bootstrap(
  context: AppContext,
  options: BootstrapOptions,
  prepare: () => Promise<void> = async () => {},
): Promise<Bootstrapped> {
  let prepared: Promise<void> | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { steps, made } = await plan(context, options);
      // Once, by whichever attempt gets so far: planning may meet another node, too.
      prepared ??= prepare();
      await prepared;
      await write(context, steps);
      return made;
    } catch (error) {
      // Another node was first: then everything is read and decided again.
      const conflict = error instanceof DomainError && error.code === 'conflict';
      if (!conflict || attempt === ATTEMPTS) throw error;
    }
  }
}

async function plan(
  context: AppContext,
  options: BootstrapOptions,
): Promise<{ steps: readonly Step[]; made: Bootstrapped }> {
  const servers = await planResourceServers(context, options.exampleServers);
  const client = await planAdminClient(context, SYSTEM, options);
  const person = await planAdministrator(context, SYSTEM, options);
  return {
    steps: [...servers, ...client.steps, ...person.steps],
    made: { administrator: person.made, adminClient: client.made },
  };
}

async function write(context: AppContext, steps: readonly Step[]): Promise<void> {
  const [first, ...others] = steps.map(({ fact }) => fact);
  if (first === undefined) return;
  const changes = steps.flatMap((step) => step.changes);
  await context.store.commit(unitOf(context, SYSTEM, changes, first, ...others));
}
