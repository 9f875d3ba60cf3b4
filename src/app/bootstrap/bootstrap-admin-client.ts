import type { Agent } from '../../domain/agent.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import { buildClientMetadata } from '../agents/client-metadata.ts';
import { clientSecretOf } from '../agents/client-secret.ts';
import type { AppContext } from '../context.ts';
import { ADMIN_CLIENT_ID, agentChanged } from '../agents/find-agent.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { Change } from '../unit-of-work.ts';

const ADMIN_SCOPE = ['admin:read', 'admin:write'];

type AdminClientOptions = Pick<BootstrapOptions, 'adminClientSecret' | 'allowGenerate'>;

/** The client that administers by client_credentials; answers its secret when it was made up just now. */
export async function bootstrapAdminClient(
  context: AppContext,
  caller: Caller,
  { adminClientSecret, allowGenerate }: AdminClientOptions,
): Promise<Bootstrapped['adminClient']> {
  const stored = await context.store.agents.byId(ADMIN_CLIENT_ID);
  if (stored) {
    await keepAudience(context, caller, stored);
    if (adminClientSecret !== undefined) await applySecret(context, caller, stored, adminClientSecret);
    return undefined;
  }
  const value = adminClientSecret ?? (allowGenerate ? `tgs_${context.ids.secret()}` : undefined);
  if (value === undefined) return undefined;
  await create(context, caller, value);
  return value === adminClientSecret ? undefined : { clientId: ADMIN_CLIENT_ID, clientSecret: value };
}

async function create(context: AppContext, caller: Caller, value: string): Promise<void> {
  const agent = adminClient(context);
  const changes: Change[] = [
    { do: 'insert_agent', agent, miss: agentChanged() },
    { do: 'insert_secret', secret: clientSecretOf(context, ADMIN_CLIENT_ID, value) },
  ];
  await context.store.commit(
    unitOf(context, caller, changes, {
      type: 'agent_registered',
      clientId: ADMIN_CLIENT_ID,
      reason: 'first start',
      details: { name: agent.name, permissions: agent.permissions },
    }),
  );
}

/** The audience follows the issuer, so the client's ceiling must as well. */
async function keepAudience(context: AppContext, caller: Caller, stored: Agent): Promise<void> {
  const audiences = [context.settings.adminAudience];
  if (stored.audiences?.join(' ') === audiences.join(' ')) return;
  const { epoch: expectEpoch } = stored;
  await context.store.commit(
    unitOf(
      context,
      caller,
      [
        {
          do: 'update_agent',
          clientId: ADMIN_CLIENT_ID,
          expectEpoch,
          set: { audiences },
          miss: agentChanged(),
        },
      ],
      {
        type: 'agent_updated',
        clientId: ADMIN_CLIENT_ID,
        reason: 'the issuer changed',
        details: { audiences },
      },
    ),
  );
}

/**
 * Another secret than the stored one was configured: it wins, and everything issued under the old one ends. Raising
 * the epoch also lets only one of the nodes that start at once do it.
 */
async function applySecret(context: AppContext, caller: Caller, stored: Agent, value: string): Promise<void> {
  const { store, clock } = context;
  const secret = clientSecretOf(context, ADMIN_CLIENT_ID, value);
  const valid = await store.agents.secrets(ADMIN_CLIENT_ID, clock.now());
  if (valid.some(({ digest }) => context.digests.equal(digest, secret.digest))) return;
  const reason = 'ADMIN_CLIENT_SECRET changed';
  const clientId = ADMIN_CLIENT_ID;
  const epoch = stored.epoch + 1;
  const changes: Change[] = [
    { do: 'update_agent', clientId, expectEpoch: stored.epoch, set: { epoch }, miss: agentChanged() },
    {
      do: 'revoke',
      entry: revocationOf(context, caller, { kind: 'agent', handle: clientId, epoch, reason }),
    },
    { do: 'expire_secrets', clientId, except: secret.id, at: clock.now() },
    { do: 'insert_secret', secret },
  ];
  await store.commit(unitOf(context, caller, changes, { type: 'agent_secret_rotated', clientId, reason }));
}

function adminClient({ clock, settings }: AppContext): Agent {
  const name = 'Taskgrant administration';
  return {
    clientId: ADMIN_CLIENT_ID,
    kind: 'agent',
    name,
    description: 'Built in: administers this server by client_credentials.',
    owner: null,
    state: 'active',
    epoch: 0,
    tier: 'enterprise',
    challengeWaived: false,
    permissions: ADMIN_SCOPE,
    defaultScope: ADMIN_SCOPE,
    roles: [],
    tools: [],
    resources: [],
    audiences: [settings.adminAudience],
    maxDepth: null,
    maxChildren: null,
    maxTaskSeconds: null,
    metadata: buildClientMetadata(name, { grantTypes: ['client_credentials'] }),
    createdAt: clock.now(),
    activatedAt: clock.now(),
    deletedAt: null,
  };
}
