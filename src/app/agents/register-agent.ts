import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { concrete, intersect, parseScope, type Scope, wider } from '../../domain/scope.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import { buildClientMetadata, type ClientRequest, hasSecret } from './client-metadata.ts';
import { mintClientSecret } from './client-secret.ts';
import type { AppContext, AppSettings } from '../context.ts';
import { checkNames, checkText, DESCRIPTION_LENGTH, NAME_LENGTH } from '../display-text.ts';
import type { Change } from '../unit-of-work.ts';

/** Who registers: anyone, the holder of an `admin:write` token, or the operator at the server itself (CLI). */
export type Registrar = 'anyone' | 'administrator' | 'operator';

export interface RegisterAgentCommand {
  readonly caller: Caller;
  readonly registrar: Registrar;
  readonly name: string;
  readonly description: string;
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  /** Rights asked for; absent = the default ones. */
  readonly permissions?: readonly string[] | undefined;
  /** Statements of the agent about itself (model, version, …) by name; kept and shown, never evaluated. */
  readonly statements?: Readonly<Record<string, string>> | undefined;
  readonly client: ClientRequest;
}

/** Values in clear: they leave with the answer and are stored as digests only. */
export interface AgentCredentials {
  readonly clientId: string;
  /** Null for clients that authenticate by key or not at all. */
  readonly clientSecret: string | null;
  readonly registrationToken: string;
  /** Milliseconds since the epoch. */
  readonly registrationTokenExpiresAt: number;
}

export interface RegisteredAgent {
  readonly agent: Agent;
  readonly credentials: AgentCredentials;
}

const ALLOWED: Record<AppSettings['registration'], readonly Registrar[]> = {
  open: ['anyone', 'administrator', 'operator'],
  token: ['administrator', 'operator'],
  closed: ['operator'],
};

/**
 * Registers a pending agent. Registering asks, it never grants: without an administrator the agent gets the default
 * permissions at most, and what more was asked waits in its metadata.
 * @throws DomainError `forbidden` where registration is not open to the registrar, `parameter_invalid`.
 */
export async function registerAgent(
  context: AppContext,
  command: RegisterAgentCommand,
): Promise<RegisteredAgent> {
  requireRegistrationOpen(context.settings, command.registrar);
  const agent = pendingAgent(context, command);
  const secret = hasSecret(agent) ? mintClientSecret(context, agent.clientId) : undefined;
  const registrationToken = `tgr_${context.ids.secret()}`;
  const expiresAt = context.clock.now() + context.settings.registrationTokenSeconds * 1000;
  const changes: Change[] = [
    { do: 'insert_agent', agent, miss: new DomainError('conflict', 'the client_id is taken') },
    ...(secret ? [{ do: 'insert_secret', secret: secret.secret } as const] : []),
    {
      do: 'insert_registration_token',
      digest: context.digests.sha256(registrationToken),
      clientId: agent.clientId,
      expiresAt,
    },
  ];
  await context.store.commit(
    unitOf(context, command.caller, changes, registeredFact(agent, command.registrar)),
  );
  return {
    agent,
    credentials: {
      clientId: agent.clientId,
      clientSecret: secret?.value ?? null,
      registrationToken,
      registrationTokenExpiresAt: expiresAt,
    },
  };
}

export function registeredFact(agent: Agent, registrar: Registrar): Fact {
  const { requested_permissions, grant_types } = agent.metadata;
  const { clientId, name, permissions } = agent;
  const details = { name, registrar, permissions, requested_permissions, grant_types };
  return { type: 'agent_registered', clientId, details };
}

/** @throws DomainError `forbidden` where registration is not open to the registrar. */
export function requireRegistrationOpen({ registration }: AppSettings, registrar: Registrar): void {
  if (ALLOWED[registration].includes(registrar)) return;
  throw new DomainError(
    'forbidden',
    registration === 'closed'
      ? 'registration is closed on this server'
      : 'registration needs an access token with admin:write',
    { registration },
  );
}

/** What a registration makes of the agent; nothing is stored. @throws DomainError `parameter_invalid`. */
export function pendingAgent(context: AppContext, command: Omit<RegisterAgentCommand, 'caller'>): Agent {
  const name = checkText('agent_name', command.name, NAME_LENGTH);
  const asked = parseScope((command.permissions ?? context.settings.defaultPermissions).join(' '));
  const { defaultPermissions, defaultTools, defaultResources } = context.settings;
  const { registrar } = command;
  const permissions = granted(registrar, asked, defaultPermissions);
  const askedTools = checkNames('allowed_tools', command.tools);
  const tools = granted(registrar, askedTools, defaultTools);
  const askedResources = checkNames('allowed_resources', command.resources);
  const resources = granted(registrar, askedResources, defaultResources);
  return {
    clientId: `agt_${context.ids.next()}`,
    kind: 'agent',
    name,
    description: checkText('description', command.description, DESCRIPTION_LENGTH),
    owner: null,
    state: 'pending',
    epoch: 0,
    tier: 'free',
    challengeWaived: false,
    permissions,
    // A wildcard is a ceiling; a token that holds one has to be asked for.
    defaultScope: concrete(permissions),
    roles: [],
    tools,
    resources,
    audiences: null,
    maxDepth: null,
    maxChildren: null,
    maxTaskSeconds: null,
    metadata: {
      ...buildClientMetadata(name, command.client),
      requested_permissions: wider(permissions, asked),
      requested_tools: wider(tools, askedTools),
      requested_resources: wider(resources, askedResources),
      statements: checkStatements(command.statements ?? {}),
    },
    createdAt: context.clock.now(),
    activatedAt: null,
    deletedAt: null,
  };
}

/** Nobody grants rights to themselves: what a stranger asks is cut to what the configuration gives to anyone. */
function granted(registrar: Registrar, asked: Scope, toAnyone: Scope): Scope {
  return registrar === 'anyone' ? intersect(asked, toAnyone) : asked;
}

function checkStatements(statements: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(statements).map(([name, value]) => [name, checkText(name, value, { min: 0, max: 100 })]),
  );
}
