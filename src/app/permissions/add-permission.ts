import { DomainError } from '../../domain/errors.ts';
import { IDENTITY_SCOPES } from '../../domain/identity-scope.ts';
import { isWildcard } from '../../domain/permission.ts';
import { parseScope } from '../../domain/scope.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText } from '../display-text.ts';
import type { CatalogueEntry } from '../ports/permissions.ts';

/** The whole catalogue is read at once. */
const MOST_ADDED = 1000;

export interface AddPermissionCommand {
  readonly caller: Caller;
  readonly permission: string;
  readonly description: string;
}

/**
 * An administrator adds to the catalogue what agents may ask for. It grants nothing.
 * @throws DomainError `parameter_invalid`, `permission_invalid`, or `conflict` when it is known already.
 */
export async function addPermission(
  context: AppContext,
  { caller, permission, description }: AddPermissionCommand,
): Promise<CatalogueEntry> {
  const entry: CatalogueEntry = {
    permission: checkName(permission),
    description: checkText('description', description, { min: 1, max: 200 }),
    createdAt: context.clock.now(),
  };
  const known = new DomainError('conflict', 'the catalogue holds this permission already');
  if (context.settings.catalogue.has(permission)) throw known;
  const added = await context.store.permissions.all();
  if (added.some((one) => one.permission === permission)) throw known;
  if (added.length >= MOST_ADDED) {
    throw new DomainError('conflict', `the catalogue takes at most ${MOST_ADDED} permissions more`);
  }
  const changed = new DomainError('conflict', 'the catalogue was changed meanwhile: read it again');
  await context.store.commit(
    unitOf(context, caller, [{ do: 'insert_permission', entry, most: MOST_ADDED, miss: changed }], {
      type: 'permission_added',
      details: { permission, description: entry.description },
    }),
  );
  return entry;
}

function checkName(text: string): string {
  const [permission, ...more] = parseScope(text);
  if (permission !== text || more.length > 0) {
    throw new DomainError('parameter_invalid', 'permission must be one right without spaces');
  }
  if (isWildcard(text)) {
    throw new DomainError('parameter_invalid', 'a wildcard is known by what it stands for: add that');
  }
  if (IDENTITY_SCOPES.includes(text)) {
    throw new DomainError('parameter_invalid', `${text} is a scope of OpenID Connect`);
  }
  return text;
}
