import type { Role, RoleHolder } from '../../domain/role.ts';
import type { Page, Paged } from './page.ts';

export interface RoleMember extends RoleHolder {
  /** Of the agent or the person. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly assignedAt: number;
}

export interface RoleReads {
  byName(name: string): Promise<Role | undefined>;
  /** Oldest first. */
  search(page: Page): Promise<Paged<Role>>;
  /** Agents that are not deleted, and people; in the order in which it was assigned to them. */
  members(role: string, page: Page): Promise<Paged<RoleMember>>;
}
