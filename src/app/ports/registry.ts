import type { AgentReads } from './agents.ts';
import type { ResourceServerReads } from './resource-servers.ts';

/**
 * What is registered, from memory: who may authenticate, what they may be granted, who owns which audience. It may have
 * changed since. INVARIANT: nothing that was decided on it, a refusal included, is told before the version was found
 * current, by a unit of work in its commit (`registry`) or by `isCurrent`.
 */
export interface RegistryView {
  readonly version: number;
  readonly agents: Pick<AgentReads, 'byId' | 'withSecrets'>;
  readonly resourceServers: Pick<ResourceServerReads, 'byClientId' | 'byAudience'>;
}

export interface Registry {
  remembered(): Promise<RegistryView>;
  /** Asks the database, once for all who ask at the same time. */
  isCurrent(version: number): Promise<boolean>;
}
