import type { Agent } from '../../domain/agent.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { claimAudiences } from '../resource-servers/audience-ownership.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { DeclaredResourceServer } from './bootstrap-options.ts';
import type { AppContext } from '../context.ts';
import { agentChanged } from '../agents/find-agent.ts';
import { API_CLIENT_ID } from '../resource-servers/find-resource-server.ts';
import { audienceTaken, resourceServerFacts } from '../resource-servers/register-resource-server.ts';
import { resourceServerClient } from '../resource-servers/resource-server-client.ts';
import type { Change } from '../unit-of-work.ts';

/** Rights of the server's own API. */
const API_SCOPES = ['admin:read', 'admin:write', 'tasks:read', 'tasks:write', 'tasks:revoke'];

const PLAIN_NAME = /^[A-Za-z0-9_-]{1,40}$/;

/** The server's own API and what the configuration declares; the configuration wins over what is stored. */
export async function bootstrapResourceServers(
  context: AppContext,
  caller: Caller,
  declared: readonly DeclaredResourceServer[],
): Promise<void> {
  const own = {
    name: 'Taskgrant',
    audiences: [context.settings.adminAudience],
    scopes: API_SCOPES,
    tokenFormat: 'jwt',
  } as const;
  await declare(context, caller, API_CLIENT_ID, own);
  for (const server of declared) {
    const clientId = await idOf(context, server);
    await claimAudiences(context, { clientId, audiences: server.audiences });
    await declare(context, caller, clientId, server);
  }
}

/**
 * One id for one declaration on every node and at every start: by its name, or that of the resource server that
 * owns its first audience when it was renamed.
 */
async function idOf({ store, digests }: AppContext, declared: DeclaredResourceServer): Promise<string> {
  const { name } = declared;
  const byName = `rs_${PLAIN_NAME.test(name) ? name : digests.sha256(name).slice(0, 22)}`;
  if (await store.resourceServers.byClientId(byName)) return byName;
  const owner = await store.resourceServers.byAudience(declared.audiences[0] ?? '');
  return owner && owner.clientId !== API_CLIENT_ID ? owner.clientId : byName;
}

async function declare(
  context: AppContext,
  caller: Caller,
  clientId: string,
  { name, audiences, scopes, tokenFormat }: DeclaredResourceServer,
): Promise<void> {
  const { store, clock } = context;
  const before = await store.resourceServers.byClientId(clientId);
  const createdAt = before?.createdAt ?? clock.now();
  const server: ResourceServer = {
    clientId,
    name,
    audiences,
    scopes: scopes ?? null,
    tokenFormat,
    createdAt,
  };
  const facts = resourceServerFacts(server);
  if (before && JSON.stringify(resourceServerFacts(before)) === JSON.stringify(facts)) return;
  const client = await store.agents.byId(clientId);
  const miss = audienceTaken();
  await store.commit(
    unitOf(
      context,
      caller,
      [
        clientChange(client, server),
        { do: before ? 'update_resource_server' : 'insert_resource_server', server, miss },
      ],
      {
        type: before ? 'resource_server_updated' : 'resource_server_registered',
        clientId,
        reason: 'declared by the configuration',
        details: facts,
      },
    ),
  );
}

/** The client row survives a deletion, so one that is declared again comes back to life. */
function clientChange(client: Agent | undefined, server: ResourceServer): Change {
  const agent = resourceServerClient(server);
  if (!client) return { do: 'insert_agent', agent, miss: audienceTaken() };
  const set = { name: server.name, metadata: agent.metadata, state: 'active', deletedAt: null } as const;
  return {
    do: 'update_agent',
    clientId: server.clientId,
    expectEpoch: client.epoch,
    set,
    miss: agentChanged(),
  };
}
