import type { Agent } from '../../domain/agent.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { claimAudiences } from '../resource-servers/audience-ownership.ts';
import type { DeclaredResourceServer } from './bootstrap-options.ts';
import type { AppContext } from '../context.ts';
import { agentChanged } from '../agents/find-agent.ts';
import { API_CLIENT_ID } from '../resource-servers/find-resource-server.ts';
import { audienceTaken, resourceServerFacts } from '../resource-servers/register-resource-server.ts';
import { resourceServerClient } from '../resource-servers/resource-server-client.ts';
import type { Change } from '../unit-of-work.ts';
import type { Step } from './step.ts';

/** Rights of the server's own API. */
const API_SCOPES = ['admin:read', 'admin:write', 'tasks:read', 'tasks:write', 'tasks:revoke'];

const PLAIN_NAME = /^[A-Za-z0-9_-]{1,40}$/;

/** The server's own API and what the configuration declares; the configuration wins over what is stored. */
export async function planResourceServers(
  context: AppContext,
  declared: readonly DeclaredResourceServer[],
): Promise<readonly Step[]> {
  const own = {
    name: 'Taskgrant',
    audiences: [context.settings.adminAudience],
    scopes: API_SCOPES,
    tokenFormat: 'jwt',
  } as const;
  const steps = [...(await declare(context, API_CLIENT_ID, own))];
  // As they will be when the next one takes its audiences.
  const before = new Map<string, DeclaredResourceServer>([[API_CLIENT_ID, own]]);
  const names = new Set(declared.map(({ name }) => idByName(context, name)));
  for (const server of declared) {
    const clientId = await idOf(context, server, names);
    await claimAudiences(context, { clientId, audiences: server.audiences, before });
    before.set(clientId, server);
    steps.push(...(await declare(context, clientId, server)));
  }
  return steps;
}

/**
 * One id for one declaration on every node and at every start: by its name, or that of the resource server that
 * owns its first audience when it was renamed, so that its name is declared no more.
 */
async function idOf(
  context: AppContext,
  { name, audiences }: DeclaredResourceServer,
  names: ReadonlySet<string>,
): Promise<string> {
  const { resourceServers } = context.store;
  const byName = idByName(context, name);
  if (await resourceServers.byClientId(byName)) return byName;
  const owner = await resourceServers.byAudience(audiences[0] ?? '');
  const renamed = owner && owner.clientId !== API_CLIENT_ID && !names.has(owner.clientId);
  return renamed ? owner.clientId : byName;
}

function idByName({ digests }: AppContext, name: string): string {
  return `rs_${PLAIN_NAME.test(name) ? name : digests.sha256(name).slice(0, 22)}`;
}

async function declare(
  context: AppContext,
  clientId: string,
  { name, audiences, scopes, tokenFormat }: DeclaredResourceServer,
): Promise<readonly Step[]> {
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
  if (before && JSON.stringify(resourceServerFacts(before)) === JSON.stringify(facts)) return [];
  const client = await store.agents.byId(clientId);
  const miss = audienceTaken();
  return [
    {
      changes: [
        clientChange(client, server),
        ...leftOf(client),
        { do: before ? 'update_resource_server' : 'insert_resource_server', server, miss },
      ],
      fact: {
        type: before ? 'resource_server_updated' : 'resource_server_registered',
        clientId,
        reason: 'declared by the configuration',
        details: facts,
      },
    },
  ];
}

/** Releases before 0.2 left with a deleted resource server how far it had acknowledged the ledger. */
function leftOf(client: Agent | undefined): readonly Change[] {
  if (!client || client.deletedAt === null) return [];
  return [{ do: 'delete_event_receiver', clientId: client.clientId }];
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
