import { DomainError } from './errors.ts';
import { type HeldRole, heldRights, type RightsHolder } from './role.ts';
import { concrete, covers, type Scope } from './scope.ts';

export type AgentState = 'pending' | 'active' | 'suspended' | 'revoked';
export type AgentKind = 'agent' | 'resource_server';
export type Tier = 'free' | 'pro' | 'enterprise';

/** What one agent may be granted at most. */
export interface Ceiling {
  /** Rights that the agent may ever hold, by whatever it has them; may contain wildcards. */
  readonly rights: Scope;
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  /** Audiences that tokens may be issued for; `null` = every registered one. */
  readonly audiences: readonly string[] | null;
}

/** An OAuth client that acts. Times are milliseconds since the epoch. */
export interface Agent extends RightsHolder {
  readonly clientId: string;
  readonly kind: AgentKind;
  readonly name: string;
  readonly description: string;
  /** Id of the user who answers for the agent, or null. */
  readonly owner: string | null;
  readonly state: AgentState;
  /** R4: raised by every suspension and revocation. */
  readonly epoch: number;
  readonly tier: Tier;
  /** Rights given to the agent itself; may contain wildcards. What it may be granted is its ceiling. */
  readonly permissions: Scope;
  /** As it was set; what a request that names no scope gets is `defaultScopeOf`. */
  readonly defaultScope: Scope;
  /** By which it may be granted more. */
  readonly roles: readonly HeldRole[];
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly audiences: readonly string[] | null;
  /** `null`, here and below: nothing narrower than the server's own limit is set. */
  readonly maxDepth: number | null;
  readonly maxChildren: number | null;
  /** Longest task, in seconds. */
  readonly maxTaskSeconds: number | null;
  /** An administrator waived the PKCE challenge on client_credentials: the tokens are leaves. */
  readonly challengeWaived: boolean;
  /** RFC 7591 client metadata without secrets. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly activatedAt: number | null;
  readonly deletedAt: number | null;
}

export function ceilingOf(agent: Agent): Ceiling {
  const { tools, resources, audiences } = agent;
  return { rights: heldRights(agent), tools, resources, audiences };
}

/**
 * What a request that names no scope gets (R10). One that was never set apart from the permissions has everything
 * concrete of the roles too. INVARIANT: within the ceiling, also after a role was lost.
 */
export function defaultScopeOf(agent: Agent): Scope {
  const { permissions, defaultScope, roles } = agent;
  const held = heldRights(agent);
  const kept = defaultScope.filter((right) => covers(held, [right]));
  if (roles.length === 0 || !followsPermissions(agent)) return kept;
  const ofRoles = concrete(held).filter((right) => !permissions.includes(right));
  return [...new Set([...kept, ...ofRoles])];
}

/** Whether nothing concrete that the agent was given itself is left out of its default scope. */
export function followsPermissions({ permissions, defaultScope }: Agent): boolean {
  return covers(defaultScope, concrete(permissions));
}

/** @throws DomainError `agent_not_active` unless the agent may act now (R11). */
export function requireActive(agent: Agent): void {
  if (agent.state !== 'active' || agent.deletedAt !== null) {
    throw new DomainError('agent_not_active', `the agent is ${agent.deletedAt ? 'deleted' : agent.state}`, {
      state: agent.state,
    });
  }
}

const TRANSITIONS: Record<AgentState, readonly AgentState[]> = {
  pending: ['active', 'revoked'],
  active: ['suspended', 'revoked'],
  suspended: ['active', 'revoked'],
  revoked: [],
};

/** @throws DomainError `conflict` for a state change that the life cycle does not have. */
export function checkTransition(from: AgentState, to: AgentState): void {
  if (!TRANSITIONS[from].includes(to)) {
    throw new DomainError('conflict', `an agent that is ${from} cannot become ${to}`, { from, to });
  }
}
