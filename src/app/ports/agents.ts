import type { Agent, AgentKind, AgentState } from '../../domain/agent.ts';
import type { ClientSecret } from '../unit-of-work.ts';
import type { Page, Paged, Slice, Sliced } from './page.ts';

export interface AgentReads {
  byId(clientId: string): Promise<Agent | undefined>;
  byRegistrationToken(
    digest: string,
  ): Promise<{ agent: Agent; expiresAt: number; consumedAt: number | null } | undefined>;
  /** An agent and every secret of it, expired ones too, in one read. */
  withSecrets(clientId: string): Promise<{ agent: Agent; secrets: readonly ClientSecret[] } | undefined>;
  /** Digests that are valid now: more than one during a rotation's overlap. */
  secrets(clientId: string, now: number): Promise<readonly ClientSecret[]>;
  /** Newest first, without deleted ones unless asked. */
  search(filter: AgentFilter, page: Page): Promise<Paged<Agent>>;
  /** The same, counted from the newest. */
  slice(filter: AgentFilter, slice: Slice): Promise<Sliced<Agent>>;
}

export interface AgentFilter {
  readonly state?: AgentState | undefined;
  readonly kind?: AgentKind | undefined;
  readonly name?: string | undefined;
  readonly includeDeleted?: boolean | undefined;
}
