import type { AgentState } from '../../domain/agent.ts';

export interface Counts {
  readonly agents: Readonly<Record<AgentState, number>>;
  readonly users: number;
  readonly resourceServers: number;
  readonly tasks: Readonly<Record<'active' | 'completed' | 'failed' | 'revoked' | 'expired', number>>;
  readonly tokens: Readonly<Record<'active' | 'expired' | 'revoked', number>>;
  readonly revocations: number;
  readonly auditEvents: number;
}
