import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { agentChanged } from '../agents/find-agent.ts';
import { findChangeable } from './find-resource-server.ts';
import { resourceServerFacts } from './register-resource-server.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { AgentPatch, Change } from '../unit-of-work.ts';

export interface DeleteResourceServerCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly reason: string | null;
}

/**
 * Frees the audiences and ends the credentials. The client row stays, so that the audit trail points at something.
 * @throws DomainError `not_found`, `conflict`.
 */
export async function deleteResourceServer(
  context: AppContext,
  { caller, clientId, reason }: DeleteResourceServerCommand,
): Promise<void> {
  const { server, client } = await findChangeable(context, { caller, clientId });
  const at = context.clock.now();
  const epoch = client.epoch + 1;
  const set: AgentPatch = { state: 'revoked', deletedAt: at, epoch };
  const changes: Change[] = [
    { do: 'delete_resource_server', clientId },
    { do: 'update_agent', clientId, expectEpoch: client.epoch, set, miss: agentChanged() },
    { do: 'delete_event_receiver', clientId },
    { do: 'expire_secrets', clientId, except: null, at },
    {
      do: 'revoke',
      entry: revocationOf(context, caller, { kind: 'agent', handle: clientId, epoch, reason }),
    },
  ];
  await context.store.commit(
    unitOf(context, caller, changes, {
      type: 'resource_server_deleted',
      clientId,
      reason,
      details: resourceServerFacts(server),
    }),
  );
}
