import { type Agent, followsPermissions, type Tier } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { HARD_DEPTH_CAP } from '../../domain/opening.ts';
import { heldRights } from '../../domain/role.ts';
import { concrete, formatScope, intersect, parseScope, type Scope, wider } from '../../domain/scope.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkNames, checkText, DESCRIPTION_LENGTH, NAME_LENGTH } from '../display-text.ts';
import { agentChanged, findAgent } from './find-agent.ts';
import type { AgentPatch } from '../unit-of-work.ts';

/** Seconds. */
const TEN_YEARS = 315_360_000;

/** Absent members stay as they are; null removes a limit. */
export interface AgentEdits {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly defaultScope?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  /** Registered audiences. */
  readonly audiences?: readonly string[] | null | undefined;
  readonly maxDepth?: number | null | undefined;
  readonly maxChildren?: number | null | undefined;
  readonly maxTaskSeconds?: number | null | undefined;
  readonly tier?: Tier | undefined;
  readonly challengeWaived?: boolean | undefined;
  /** Id of an existing user. */
  readonly owner?: string | null | undefined;
}

export interface UpdateAgentCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly edits: AgentEdits;
}

/**
 * An administrator changes what an agent is called and what it may be granted. A lowered ceiling leaves running
 * tasks alone, but bounds everything that is issued from now on, for them too.
 * @throws DomainError `not_found`, `parameter_invalid`, `audience_unknown`, `conflict`.
 */
export async function updateAgent(
  context: AppContext,
  { caller, clientId, edits }: UpdateAgentCommand,
): Promise<Agent> {
  return editAgent(context, { caller, agent: await findAgent(context, clientId), edits });
}

export interface EditAgentCommand {
  readonly caller: Caller;
  /** As it was when the edits were made from it: one that was read again would hide what came between. */
  readonly agent: Agent;
  readonly edits: AgentEdits;
}

/** The same, for edits that follow from what the agent was. @throws DomainError as `updateAgent`. */
export async function editAgent(
  context: AppContext,
  { caller, agent, edits }: EditAgentCommand,
): Promise<Agent> {
  const { clientId } = agent;
  await requireKnown(context, edits);
  const set = patchOf(agent, edits);
  await context.store.commit(
    unitOf(
      context,
      caller,
      [
        {
          do: 'update_agent',
          clientId,
          expectEpoch: agent.epoch,
          expect: decidedFrom(agent, set),
          set,
          miss: agentChanged(),
        },
      ],
      {
        type: 'agent_updated',
        clientId,
        details: { before: changed(agent, set), after: withoutMetadata(set) },
      },
      ...rankFacts(agent, set),
    ),
  );
  return { ...agent, ...set };
}

/** What decides about others' requests has events of its own, so that nobody has to look into the others for it. */
function rankFacts(before: Agent, { tier, permissions }: AgentPatch): Fact[] {
  const { clientId } = before;
  const facts: Fact[] = [];
  if (tier !== undefined && tier !== before.tier) {
    facts.push({ type: 'agent_tier_changed', clientId, details: { before: before.tier, after: tier } });
  }
  if (permissions !== undefined && formatScope(permissions) !== formatScope(before.permissions)) {
    const details = { before: before.permissions, after: permissions };
    facts.push({ type: 'agent_permissions_changed', clientId, details });
  }
  return facts;
}

function patchOf(agent: Agent, edits: AgentEdits): AgentPatch {
  const name = edits.name === undefined ? undefined : checkText('agent_name', edits.name, NAME_LENGTH);
  const permissions = edits.permissions && parseScope(edits.permissions.join(' '));
  return defined({
    name,
    description:
      edits.description === undefined
        ? undefined
        : checkText('description', edits.description, DESCRIPTION_LENGTH),
    permissions,
    defaultScope: defaultScope(agent, permissions ?? agent.permissions, edits.defaultScope),
    tools: edits.tools && checkNames('allowed_tools', edits.tools),
    resources: edits.resources && checkNames('allowed_resources', edits.resources),
    audiences: edits.audiences && [...new Set(edits.audiences)],
    maxDepth: checkLimit('max_depth', edits.maxDepth, 0, HARD_DEPTH_CAP),
    maxChildren: checkLimit('max_children', edits.maxChildren, 0, 100_000),
    maxTaskSeconds: checkLimit('max_task_seconds', edits.maxTaskSeconds, 1, TEN_YEARS),
    tier: edits.tier,
    challengeWaived: edits.challengeWaived,
    owner: edits.owner,
    metadata: metadata(agent, name, { ...edits, permissions }),
  });
}

/** INVARIANT: within what the agent may hold. One that was never set apart from the permissions follows them. */
function defaultScope(
  agent: Agent,
  permissions: Scope,
  asked: readonly string[] | undefined,
): Scope | undefined {
  const held = heldRights({ ...agent, permissions });
  if (asked === undefined) {
    return followsPermissions(agent) ? concrete(permissions) : intersect(agent.defaultScope, held);
  }
  const scope = parseScope(asked.join(' '));
  const refused = wider(held, scope);
  if (refused.length > 0) {
    throw new DomainError('parameter_invalid', 'default_scope must lie within the permissions', { refused });
  }
  return scope;
}

/** What may have been asked at registration, and the edit that grants it. */
const REQUESTED = {
  permissions: 'requested_permissions',
  tools: 'requested_tools',
  resources: 'requested_resources',
} as const;

/** What was asked at registration and is granted now is no longer asked. */
function metadata(
  agent: Agent,
  name: string | undefined,
  granted: AgentEdits,
): Agent['metadata'] | undefined {
  const changed: Record<string, unknown> = name === undefined ? {} : { client_name: name };
  for (const [edit, member] of Object.entries(REQUESTED) as [keyof typeof REQUESTED, string][]) {
    const asked = agent.metadata[member];
    const names = granted[edit];
    if (names && Array.isArray(asked)) changed[member] = wider(names, asked.map(String));
  }
  return Object.keys(changed).length === 0 ? undefined : { ...agent.metadata, ...changed };
}

function checkLimit<T extends number | null | undefined>(
  field: string,
  value: T,
  min: number,
  max: number,
): T {
  if (typeof value === 'number' && (!Number.isInteger(value) || value < min || value > max)) {
    throw new DomainError(
      'parameter_invalid',
      `${field} must be a whole number from ${min} to ${max}, or null`,
    );
  }
  return value;
}

async function requireKnown({ store }: AppContext, edits: AgentEdits): Promise<void> {
  if (typeof edits.owner === 'string' && !(await store.users.byId(edits.owner))) {
    throw new DomainError('parameter_invalid', 'owner must be the id of a user');
  }
  for (const audience of edits.audiences ?? []) {
    if (!(await store.resourceServers.byAudience(audience))) {
      throw new DomainError(
        'audience_unknown',
        `no resource server is registered for ${audience.slice(0, 200)}`,
      );
    }
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Two administrators do not overwrite each other: the permissions decide about the rest (R1). */
function decidedFrom(agent: Agent, set: AgentPatch): AgentPatch {
  const { permissions } = agent;
  return {
    permissions,
    ...Object.fromEntries(Object.keys(set).map((key) => [key, agent[key as keyof Agent]])),
  };
}

function changed(agent: Agent, set: AgentPatch): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(withoutMetadata(set)).map((member) => [member, agent[member as keyof Agent]]),
  );
}

function withoutMetadata({ metadata: _, ...rest }: AgentPatch): Record<string, unknown> {
  return rest;
}
