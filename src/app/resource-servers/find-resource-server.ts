import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';

/** The resource server that is this server's own API; see bootstrap.ts. */
export const API_CLIENT_ID = 'taskgrant-api';

export interface ViewResourceServerCommand {
  readonly caller: Caller;
  readonly clientId: string;
}

/** @throws DomainError `not_found`. */
export async function viewResourceServer(
  context: AppContext,
  { clientId }: ViewResourceServerCommand,
): Promise<ResourceServer> {
  const server = await context.store.resourceServers.byClientId(clientId);
  if (!server) throw new DomainError('not_found', 'there is no such resource server');
  return server;
}

/** All of them: there are as many as an organisation has APIs. */
export function listResourceServers(context: AppContext): Promise<readonly ResourceServer[]> {
  return context.store.resourceServers.all();
}

/**
 * A resource server that administrators may change, with its client row.
 * @throws DomainError `not_found`, or `conflict` for the server's own API, which its configuration describes.
 */
export async function findChangeable(
  context: AppContext,
  command: ViewResourceServerCommand,
): Promise<{ server: ResourceServer; client: Agent }> {
  const server = await viewResourceServer(context, command);
  const client = await context.store.agents.byId(command.clientId);
  if (!client) throw new DomainError('not_found', 'there is no such resource server');
  if (server.clientId === API_CLIENT_ID) {
    throw new DomainError('conflict', 'the server’s own API is described by its configuration');
  }
  return { server, client };
}
