import { DomainError } from './errors.ts';
import type { Scope } from './scope.ts';

/** A named set of permissions. Times are milliseconds since the epoch. */
export interface Role extends HeldRole {
  readonly description: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A role as its holder has it. */
export interface HeldRole {
  readonly name: string;
  readonly permissions: Scope;
}

export type HolderKind = 'agent' | 'user';

/** An agent or a person that a role is assigned to. */
export interface RoleHolder {
  readonly kind: HolderKind;
  /** Client id or user id. */
  readonly id: string;
}

/** Who holds rights of its own, and others by its roles. */
export interface RightsHolder {
  readonly permissions: Scope;
  readonly roles: readonly HeldRole[];
}

/** So many that nobody meets it by assigning with care, and few enough to be read with every agent. */
export const MOST_ROLES = 20;

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

/** @throws DomainError `parameter_invalid`. */
export function checkRoleName(name: string): string {
  if (NAME.test(name)) return name;
  throw new DomainError(
    'parameter_invalid',
    'a role is named by 1 to 64 lower-case letters, digits, hyphens and underscores, a letter first',
  );
}

/** What the holder may be granted at most: its own permissions and those of its roles, each once. */
export function heldRights({ permissions, roles }: RightsHolder): Scope {
  if (roles.length === 0) return permissions;
  return [...new Set([...permissions, ...roles.flatMap((role) => role.permissions)])];
}
