import type { Agent } from '../../domain/agent.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import { buildClientMetadata } from '../agents/client-metadata.ts';
import { clientSecretOf } from '../agents/client-secret.ts';
import type { AppContext } from '../context.ts';
import { ADMIN_CLIENT_ID, agentChanged } from '../agents/find-agent.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { AgentPatch, Change } from '../unit-of-work.ts';
import type { Step } from './step.ts';

const ADMIN_SCOPE = ['admin:read', 'admin:write'];

type AdminClientOptions = Pick<BootstrapOptions, 'adminClientSecret' | 'allowGenerate'>;

/** The client that administers by client_credentials; `made` is its secret when that is made up just now. */
export async function planAdminClient(
  context: AppContext,
  caller: Caller,
  { adminClientSecret, allowGenerate }: AdminClientOptions,
): Promise<{ steps: readonly Step[]; made?: Bootstrapped['adminClient'] }> {
  const stored = await context.store.agents.byId(ADMIN_CLIENT_ID);
  if (stored) {
    const audience = keepAudience(context, stored);
    const secret =
      adminClientSecret === undefined ? [] : await applySecret(context, caller, stored, adminClientSecret);
    return { steps: [...audience, ...secret] };
  }
  const value = adminClientSecret ?? (allowGenerate ? `tgs_${context.ids.secret()}` : undefined);
  if (value === undefined) return { steps: [] };
  const steps = [create(context, value)];
  if (value === adminClientSecret) return { steps };
  return { steps, made: { clientId: ADMIN_CLIENT_ID, clientSecret: value } };
}

function create(context: AppContext, value: string): Step {
  const agent = adminClient(context);
  const { name, permissions } = agent;
  return {
    changes: [
      { do: 'insert_agent', agent, miss: agentChanged() },
      { do: 'insert_secret', secret: clientSecretOf(context, ADMIN_CLIENT_ID, value) },
    ],
    fact: {
      type: 'agent_registered',
      clientId: ADMIN_CLIENT_ID,
      reason: 'first start',
      details: { name, permissions },
    },
  };
}

/** The audience follows the issuer, so the client's ceiling must as well. */
function keepAudience({ settings }: AppContext, stored: Agent): readonly Step[] {
  const audiences = [settings.adminAudience];
  if (stored.audiences?.join(' ') === audiences.join(' ')) return [];
  const fact = { type: 'agent_updated', clientId: ADMIN_CLIENT_ID, reason: 'the issuer changed' } as const;
  return [{ changes: [update(stored, { audiences })], fact: { ...fact, details: { audiences } } }];
}

function update({ epoch: expectEpoch }: Agent, set: AgentPatch): Change {
  return { do: 'update_agent', clientId: ADMIN_CLIENT_ID, expectEpoch, set, miss: agentChanged() };
}

/**
 * Another secret than the stored one was configured: it wins, and everything issued under the old one ends. Raising
 * the epoch also lets only one of the nodes that start at once do it.
 */
async function applySecret(
  context: AppContext,
  caller: Caller,
  stored: Agent,
  value: string,
): Promise<readonly Step[]> {
  const { store, clock } = context;
  const secret = clientSecretOf(context, ADMIN_CLIENT_ID, value);
  const valid = await store.agents.secrets(ADMIN_CLIENT_ID, clock.now());
  if (valid.some(({ digest }) => context.digests.equal(digest, secret.digest))) return [];
  const reason = 'ADMIN_CLIENT_SECRET changed';
  const clientId = ADMIN_CLIENT_ID;
  const epoch = stored.epoch + 1;
  const changes: Change[] = [
    update(stored, { epoch }),
    {
      do: 'revoke',
      entry: revocationOf(context, caller, { kind: 'agent', handle: clientId, epoch, reason }),
    },
    { do: 'expire_secrets', clientId, except: secret.id, at: clock.now() },
    { do: 'insert_secret', secret },
  ];
  return [{ changes, fact: { type: 'agent_secret_rotated', clientId, reason } }];
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
