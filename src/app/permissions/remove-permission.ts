import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';

export interface RemovePermissionCommand {
  readonly caller: Caller;
  readonly permission: string;
}

/**
 * Takes from the catalogue what an administrator added. Whoever was granted it keeps it.
 * @throws DomainError `not_found`, also for what is built in or stands in the configuration.
 */
export async function removePermission(
  context: AppContext,
  { caller, permission }: RemovePermissionCommand,
): Promise<void> {
  const miss = new DomainError('not_found', 'no administrator added this permission to the catalogue');
  const entry = await context.store.permissions.byName(permission);
  if (!entry) throw miss;
  await context.store.commit(
    unitOf(context, caller, [{ do: 'delete_permission', permission, miss }], {
      type: 'permission_removed',
      details: { permission, description: entry.description },
    }),
  );
}
