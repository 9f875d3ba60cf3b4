import { DomainError } from '../../domain/errors.ts';
import { wider } from '../../domain/scope.ts';
import type { User } from '../../domain/user.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import type { AppContext } from '../context.ts';
import { createUser } from '../users/create-user.ts';
import { userChanges } from '../users/update-user.ts';
import { checkEmail, checkPassword } from '../users/user-fields.ts';

type AdministratorOptions = Pick<
  BootstrapOptions,
  'adminEmail' | 'adminPassword' | 'allowGenerate' | 'scopes'
>;

const DEVELOPMENT_EMAIL = 'admin@localhost';

/**
 * The person whom the configuration names as administrator, or a made-up one when the server has no users yet.
 * Answers the password when it was made up just now.
 */
export async function bootstrapAdministrator(
  context: AppContext,
  caller: Caller,
  options: AdministratorOptions,
): Promise<Bootstrapped['administrator']> {
  const { adminEmail, adminPassword } = options;
  const { users } = context.store;
  const email = emailOf(options);
  if (email === undefined) return undefined;
  const stored = await users.byEmail(email);
  if (stored) {
    // A disabled administrator stays disabled: that was someone's decision.
    if ((adminEmail ?? adminPassword) !== undefined) await follow(context, caller, stored, options);
    return undefined;
  }
  // Nobody is made up beside people who are there already.
  if (adminEmail === undefined && (await users.count()) > 0) return undefined;
  const password = adminPassword ?? (options.allowGenerate ? context.ids.secret() : undefined);
  if (password === undefined) return undefined;
  const permissions = permissionsOf(options);
  await createUser(context, { caller, email, name: 'Administrator', password, permissions });
  return adminPassword === undefined ? { email, password } : undefined;
}

function emailOf({ adminEmail, adminPassword, allowGenerate }: AdministratorOptions): string | undefined {
  if (adminEmail !== undefined) return checkEmail(adminEmail);
  if (adminPassword !== undefined && !allowGenerate) {
    throw new DomainError('parameter_invalid', 'ADMIN_PASSWORD needs ADMIN_EMAIL');
  }
  return allowGenerate ? DEVELOPMENT_EMAIL : undefined;
}

/**
 * What the configuration says of an existing administrator wins. A changed password ends what was authorised under
 * the old one; raising the epoch also lets only one of the nodes that start at once do it.
 */
async function follow(
  context: AppContext,
  caller: Caller,
  stored: User & { passwordHash: string },
  options: AdministratorOptions,
): Promise<void> {
  const { adminPassword } = options;
  const missing = wider(stored.permissions, permissionsOf(options));
  const changed =
    adminPassword !== undefined && !(await context.passwords.verify(adminPassword, stored.passwordHash));
  if (missing.length === 0 && !changed) return;
  const set = {
    permissions: [...stored.permissions, ...missing],
    ...(changed
      ? { epoch: stored.epoch + 1, passwordHash: await context.passwords.hash(checkPassword(adminPassword)) }
      : {}),
  };
  const reason = changed ? 'ADMIN_PASSWORD changed' : 'the configuration names the administrator';
  await context.store.commit(
    unitOf(context, caller, userChanges(context, caller, stored, set, reason), {
      type: 'user_updated',
      userId: stored.userId,
      reason,
      details: { added_permissions: missing, password_changed: changed },
    }),
  );
}

function permissionsOf({ scopes }: AdministratorOptions): string[] {
  return [...new Set(['admin:*', 'tasks:*', ...scopes])];
}
