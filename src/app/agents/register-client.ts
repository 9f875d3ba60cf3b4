import { rightsOf } from '../../domain/identity-scope.ts';
import { type Agent, requireActive } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { concrete, intersect, parseScope, type Scope } from '../../domain/scope.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import { changeAgentState } from './change-agent-state.ts';
import { clientSecretOf } from './client-secret.ts';
import type { AppContext } from '../context.ts';
import { CLOCKS_DIFFER_MS } from '../remove-expired.ts';
import type { Change } from '../unit-of-work.ts';

export interface RegisterClientCommand {
  readonly caller: Caller;
  readonly clientId: string;
  /** Validated RFC 7591 metadata with `client_secret` in clear, if it has one. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The `scope` that the registration asked for. */
  readonly requestedScope: string | undefined;
  /** Registered with an `admin:write` token: what was asked is granted (R13). */
  readonly byAdministrator: boolean;
}

/** What a registration is granted: nobody grants rights to themselves (design §6, R13). */
export function grantedPermissions(
  context: AppContext,
  { requestedScope, byAdministrator }: Pick<RegisterClientCommand, 'requestedScope' | 'byAdministrator'>,
): Scope {
  const { defaultPermissions } = context.settings;
  if (requestedScope === undefined) return defaultPermissions;
  // T4: clients register with every scope that they saw; the rest is left out instead of refused.
  const asked = rightsOf(parseScope(requestedScope));
  if (byAdministrator) return asked;
  return intersect(defaultPermissions, asked);
}

/** RFC 7591: the client is active at once, with at most the default permissions (R13). */
export async function registerClient(context: AppContext, command: RegisterClientCommand): Promise<Agent> {
  const { client_secret: secret, ...metadata } = withoutSecrets(command.metadata);
  const permissions = grantedPermissions(context, command);
  const now = context.clock.now();
  const agent: Agent = {
    clientId: command.clientId,
    kind: 'agent',
    name: nameOf(metadata, command.clientId),
    description: '',
    owner: null,
    state: 'active',
    epoch: 0,
    tier: 'free',
    challengeWaived: false,
    permissions,
    defaultScope: concrete(permissions),
    roles: [],
    tools: [],
    resources: [],
    audiences: null,
    maxDepth: null,
    maxChildren: null,
    maxTaskSeconds: null,
    metadata,
    createdAt: now,
    activatedAt: now,
    deletedAt: null,
  };
  const changes: Change[] = [
    { do: 'insert_agent', agent, miss: new DomainError('conflict', 'the client id is taken') },
    ...(typeof secret === 'string'
      ? [{ do: 'insert_secret', secret: clientSecretOf(context, command.clientId, secret) } as const]
      : []),
  ];
  await context.store.commit(
    unitOf(context, command.caller, changes, {
      type: 'client_registered',
      clientId: agent.clientId,
      details: { name: agent.name, permissions, requested: command.requestedScope ?? null },
    }),
  );
  return agent;
}

function nameOf({ client_name: name }: Record<string, unknown>, otherwise: string): string {
  return typeof name === 'string' ? name : otherwise;
}

function withoutSecrets(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { client_id, client_id_issued_at, client_secret_expires_at, scope, ...rest } = metadata;
  return rest;
}

export interface UpdateClientCommand {
  readonly caller: Caller;
  /** As it was when the metadata were made from it. */
  readonly agent: Agent;
  /** Validated RFC 7591 metadata; with `client_secret` in clear when the client had none and is to have one now. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * RFC 7592 §2.2: replaces the metadata; permissions are the administrators' business and stay. Whoever was cut off does
 * not prepare for the time after.
 * @throws DomainError `agent_not_active`, `conflict`.
 */
export async function updateClient(
  context: AppContext,
  { caller, agent, metadata }: UpdateClientCommand,
): Promise<void> {
  requireActive(agent);
  const { clientId } = agent;
  const { client_secret: secret, ...kept } = withoutSecrets(metadata);
  const created = typeof secret === 'string' ? clientSecretOf(context, clientId, secret) : undefined;
  const change: Change = {
    do: 'update_agent',
    clientId,
    expectEpoch: agent.epoch,
    // Of several that would give the client a secret, one does.
    expect: created ? { metadata: agent.metadata } : {},
    // Where it says no name an administrator may be changing it at this moment.
    set: {
      metadata: kept,
      ...(typeof kept['client_name'] === 'string' ? { name: kept['client_name'] } : {}),
    },
    miss: new DomainError('conflict', 'the client was changed meanwhile'),
  };
  const credentials: Change[] = created
    ? [
        // It may have had others before it went without: those are gone for good, by every server's clock.
        { do: 'expire_secrets', clientId, except: created.id, at: context.clock.now() - CLOCKS_DIFFER_MS },
        { do: 'insert_secret', secret: created },
      ]
    : [];
  const fact = { type: 'client_updated', clientId } as const;
  await context.store.commit(unitOf(context, caller, [change, ...credentials], fact));
}

/** RFC 7592 §2.3: soft, so that audit and lineage survive; its tokens end at once. */
export async function deleteClient(
  context: AppContext,
  { caller, clientId }: { caller: Caller; clientId: string },
): Promise<void> {
  await changeAgentState(context, { caller, clientId, to: 'deleted', reason: 'deleted by its owner' });
}
