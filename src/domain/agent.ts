import { DomainError } from './errors.ts';
import type { Scope } from './scope.ts';

export type AgentState = 'pending' | 'active' | 'suspended' | 'revoked';
export type AgentKind = 'agent' | 'resource_server';
export type Tier = 'free' | 'pro' | 'enterprise';

/** What one agent may be granted at most. `null` means that nothing narrower than the server's own limit is set. */
export interface Ceiling {
  /** Rights that the agent may ever hold; may contain wildcards. */
  readonly permissions: Scope;
  /** What a request that names no scope gets (R10); always within `permissions`. */
  readonly defaultScope: Scope;
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  /** Audiences that tokens may be issued for; `null` = every registered one. */
  readonly audiences: readonly string[] | null;
  readonly maxDepth: number | null;
  readonly maxChildren: number | null;
  /** Longest task, in seconds. */
  readonly maxTaskSeconds: number | null;
}

/** An OAuth client that acts. Times are milliseconds since the epoch. */
export interface Agent extends Ceiling {
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
  /** An administrator waived the PKCE challenge on client_credentials: the tokens are leaves. */
  readonly challengeWaived: boolean;
  /** RFC 7591 client metadata without secrets. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly activatedAt: number | null;
  readonly deletedAt: number | null;
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
