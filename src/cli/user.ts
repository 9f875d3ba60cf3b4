import type { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { changeUserState } from '../app/users/change-user-state.ts';
import { createUser } from '../app/users/create-user.ts';
import { listUsers } from '../app/users/list-users.ts';
import { editUser } from '../app/users/update-user.ts';
import { DomainError } from '../domain/errors.ts';
import { findPerson } from './find-person.ts';
import {
  type DataOptions,
  pageOf,
  type PageOptions,
  printPage,
  withJson,
  withPages,
  withReason,
  words,
} from './options.ts';
import { json, line, note, record } from './print.ts';
import { userRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

export function addUserCommands(program: Command): void {
  const user = program.command('user').description('People who sign in, delegate and approve.');
  withPages(user.command('list')).description('List people, newest first.').action(inSession(list));
  withJson(user.command('create').argument('<email>'))
    .description('Create an account. Without --password-stdin a password is made and shown once.')
    .option('--name <name>', 'how the person is called (default: the address)')
    .option('--permission <right>', 'what the person may delegate; may be repeated', words, [])
    .option('--password-stdin', 'read the password from standard input')
    .action(inSession(create));
  withReason(withJson(user.command('disable').argument('<user>', 'e-mail address or user id')))
    .description('Disable a person: sessions and everything they approved end at once.')
    .action(
      inSession((session, who: string, options: StateOptions) => change(session, who, 'disabled', options)),
    );
  withReason(withJson(user.command('enable').argument('<user>', 'e-mail address or user id')))
    .description('Let a disabled person sign in again; what has ended stays ended.')
    .action(
      inSession((session, who: string, options: StateOptions) => change(session, who, 'active', options)),
    );
  withJson(user.command('permissions').argument('<user>', 'e-mail address or user id'))
    .description('Show or change what a person may delegate.')
    .option('--add <right>', 'may be repeated', words, [])
    .option('--remove <right>', 'may be repeated', words, [])
    .action(inSession(permissions));
}

interface CreateOptions extends DataOptions {
  readonly name?: string;
  readonly permission: readonly string[];
  readonly passwordStdin?: boolean;
}

interface StateOptions extends DataOptions {
  readonly reason?: string;
}

interface PermissionOptions extends DataOptions {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

async function list({ context, caller }: Session, options: PageOptions): Promise<void> {
  const found = await listUsers(context, { caller, page: pageOf(options) });
  printPage(options, 'users', found, userRow, ['user_id', 'state', 'email', 'permissions']);
}

async function create({ context, caller }: Session, email: string, options: CreateOptions): Promise<void> {
  const given = options.passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : undefined;
  const password = given ?? context.ids.secret();
  const { name = email, permission: permissions } = options;
  const user = await createUser(context, { caller, email, name, password, permissions });
  const made = given === undefined ? { password } : {};
  if (options.json) {
    json({ user: userRow(user), ...made });
    return;
  }
  record({ ...userRow(user), ...made });
  if (given === undefined) note('Keep the password: it is shown only now.');
}

async function change(
  { context, caller, store }: Session,
  who: string,
  to: 'active' | 'disabled',
  { reason, json: asJson }: StateOptions,
): Promise<void> {
  const { userId } = await findPerson(store, who);
  const user = await changeUserState(context, { caller, userId, to, reason: reason ?? null });
  if (asJson) json(userRow(user));
  else line(`${user.email} is ${user.state}`);
}

async function permissions(
  { context, caller, store }: Session,
  who: string,
  { add, remove, json: asJson }: PermissionOptions,
): Promise<void> {
  const person = await findPerson(store, who);
  const missing = remove.filter((right) => !person.permissions.includes(right));
  if (missing.length > 0) {
    throw new DomainError('not_found', `${person.email} does not have ${missing.join(' ')}`);
  }
  const kept = person.permissions.filter((right) => !remove.includes(right));
  const wanted = [...new Set([...kept, ...add])];
  const changes = add.length + remove.length > 0;
  const user = changes
    ? await editUser(context, { caller, user: person, edits: { permissions: wanted } })
    : person;
  if (asJson) json(userRow(user));
  else for (const right of user.permissions) line(right);
}
