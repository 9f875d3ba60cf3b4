import { DomainError } from '../../domain/errors.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { parseScope } from '../../domain/scope.ts';
import { claimAudiences } from './audience-ownership.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, NAME_LENGTH } from '../display-text.ts';
import { agentChanged } from '../agents/find-agent.ts';
import { findChangeable } from './find-resource-server.ts';
import { resourceServerFacts } from './register-resource-server.ts';
import type { Change } from '../unit-of-work.ts';

/** Absent members stay as they are. */
export interface ResourceServerEdits {
  readonly name?: string | undefined;
  readonly audiences?: readonly string[] | undefined;
  /** Null = any right. */
  readonly scopes?: readonly string[] | null | undefined;
  readonly tokenFormat?: 'jwt' | 'opaque' | undefined;
}

export interface UpdateResourceServerCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly edits: ResourceServerEdits;
}

/** @throws DomainError `not_found`, `parameter_invalid`, `conflict`. */
export async function updateResourceServer(
  context: AppContext,
  { caller, clientId, edits }: UpdateResourceServerCommand,
): Promise<ResourceServer> {
  const { server: before, client } = await findChangeable(context, { caller, clientId });
  const { name, audiences, scopes, tokenFormat } = edits;
  const server: ResourceServer = {
    ...before,
    ...(name === undefined ? {} : { name: checkText('name', name, NAME_LENGTH) }),
    ...(audiences === undefined ? {} : { audiences: await claimAudiences(context, { clientId, audiences }) }),
    ...(scopes === undefined ? {} : { scopes: scopes && parseScope(scopes.join(' ')) }),
    ...(tokenFormat === undefined ? {} : { tokenFormat }),
  };
  const renamed = { name: server.name, metadata: { ...client.metadata, client_name: server.name } };
  const changes: Change[] = [
    { do: 'update_resource_server', server, expect: before, miss: resourceServerChanged() },
    { do: 'update_agent', clientId, expectEpoch: client.epoch, set: renamed, miss: agentChanged() },
  ];
  await context.store.commit(
    unitOf(context, caller, changes, {
      type: 'resource_server_updated',
      clientId,
      details: { before: resourceServerFacts(before), after: resourceServerFacts(server) },
    }),
  );
  return server;
}

function resourceServerChanged(): DomainError {
  return new DomainError('conflict', 'the resource server, or who owns an audience, was changed meanwhile');
}
