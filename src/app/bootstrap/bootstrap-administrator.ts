import { DomainError } from '../../domain/errors.ts';
import { wider } from '../../domain/scope.ts';
import type { User } from '../../domain/user.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { Bootstrapped, BootstrapOptions } from './bootstrap-options.ts';
import type { AppContext } from '../context.ts';
import { planUser } from '../users/create-user.ts';
import { userChanges } from '../users/update-user.ts';
import { checkEmail, checkPassword } from '../users/user-fields.ts';
import type { Step } from './step.ts';

type AdministratorOptions = Pick<
  BootstrapOptions,
  'adminEmail' | 'adminPassword' | 'allowGenerate' | 'scopes'
>;

const DEVELOPMENT_EMAIL = 'admin@localhost';

/**
 * The person whom the configuration names as administrator, or a made-up one when the server has no users yet.
 * `made` holds the password when that is made up just now.
 */
export async function planAdministrator(
  context: AppContext,
  caller: Caller,
  options: AdministratorOptions,
): Promise<{ steps: readonly Step[]; made?: Bootstrapped['administrator'] }> {
  const { adminEmail, adminPassword } = options;
  const { users } = context.store;
  const email = emailOf(options);
  if (email === undefined) return { steps: [] };
  const stored = await users.byEmail(email);
  if (stored) {
    // A disabled administrator stays disabled: that was someone's decision.
    const named = (adminEmail ?? adminPassword) !== undefined;
    return { steps: named ? await follow(context, caller, stored, options) : [] };
  }
  // Nobody is made up beside people who are there already.
  if (adminEmail === undefined && (await users.count()) > 0) return { steps: [] };
  const password = adminPassword ?? (options.allowGenerate ? context.ids.secret() : undefined);
  if (password === undefined) return { steps: [] };
  const permissions = permissionsOf(options);
  const { change, fact } = await planUser(context, { email, name: 'Administrator', password, permissions });
  const steps = [{ changes: [change], fact }];
  return adminPassword === undefined ? { steps, made: { email, password } } : { steps };
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
): Promise<readonly Step[]> {
  const { adminPassword } = options;
  const missing = wider(stored.permissions, permissionsOf(options));
  const changed =
    adminPassword !== undefined && !(await context.passwords.verify(adminPassword, stored.passwordHash));
  if (missing.length === 0 && !changed) return [];
  const set = {
    permissions: [...stored.permissions, ...missing],
    ...(changed
      ? { epoch: stored.epoch + 1, passwordHash: await context.passwords.hash(checkPassword(adminPassword)) }
      : {}),
  };
  const reason = changed ? 'ADMIN_PASSWORD changed' : 'the configuration names the administrator';
  const details = { added_permissions: missing, password_changed: changed };
  return [
    {
      changes: userChanges(context, caller, stored, set, reason),
      fact: { type: 'user_updated', userId: stored.userId, reason, details },
    },
  ];
}

function permissionsOf({ scopes }: AdministratorOptions): string[] {
  return [...new Set(['admin:*', 'tasks:*', ...scopes])];
}
