import type { Agent } from '../../domain/agent.ts';
import { isSecretOf } from '../agents/client-secret.ts';
import type { AppContext } from '../context.ts';
import type { ClientSecret } from '../unit-of-work.ts';

/** Stands in where there is no such client, so that an unknown id costs the same comparison. */
const NO_SECRET: ClientSecret = {
  id: '',
  clientId: '',
  digest: 'A'.repeat(43),
  createdAt: 0,
  expiresAt: null,
};

/** The client that an id and a secret prove, whatever it may do; undefined when they prove nothing. */
export async function authenticateClient(
  context: Pick<AppContext, 'store' | 'digests' | 'clock'>,
  { clientId, secret }: { readonly clientId: string; readonly secret: string },
): Promise<Agent | undefined> {
  const found = await context.store.agents.withSecrets(clientId);
  const proven = isSecretOf(context, found?.secrets ?? [NO_SECRET], secret);
  return proven && found?.agent.deletedAt === null ? found.agent : undefined;
}

/** Whether a client that has proved itself may learn what was revoked: only those that accept tokens. */
export function mayFollow({ kind, state }: Pick<Agent, 'kind' | 'state'>): boolean {
  return kind === 'resource_server' && state === 'active';
}
