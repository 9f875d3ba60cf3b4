import { permissionCovers } from './permission.ts';
import type { RightsHolder } from './role.ts';
import type { Scope } from './scope.ts';
import type { Task } from './task.ts';

/**
 * Why a right was granted: it was given to the holder itself (`permission`), by a role, by the parent of a child task, or
 * by a person who approved.
 */
export type GrantReason = 'permission' | `role:${string}` | 'parent' | 'consent';

/** By what the holder has each of these rights; what it was given itself comes first. */
export function heldBy(holder: RightsHolder, scope: Scope): Record<string, GrantReason> {
  return Object.fromEntries(scope.map((right) => [right, reasonOf(holder, right)]));
}

/** Why a token of the task holds each of these rights. */
export function grantReasons(
  task: Pick<Task, 'origin' | 'parentTaskId'>,
  agent: RightsHolder,
  scope: Scope,
): Record<string, GrantReason> {
  if (task.origin === 'authorization_code') return all(scope, 'consent');
  return task.parentTaskId === null ? heldBy(agent, scope) : all(scope, 'parent');
}

function all(scope: Scope, reason: GrantReason): Record<string, GrantReason> {
  return Object.fromEntries(scope.map((right) => [right, reason]));
}

function reasonOf({ permissions, roles }: RightsHolder, right: string): GrantReason {
  const holds = (scope: Scope) => scope.some((held) => permissionCovers(held, right));
  if (roles.length === 0 || holds(permissions)) return 'permission';
  const role = roles.find((one) => holds(one.permissions));
  return role ? `role:${role.name}` : 'permission';
}
