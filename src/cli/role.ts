import type { Command } from 'commander';
import { changeRoleOfAgent, changeRoleOfUser } from '../app/roles/assign-role.ts';
import { createRole } from '../app/roles/create-role.ts';
import { deleteRole } from '../app/roles/delete-role.ts';
import { findRole } from '../app/roles/find-role.ts';
import { listMembers, listRoles } from '../app/roles/list-roles.ts';
import { editRole } from '../app/roles/update-role.ts';
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
import { json, line, record } from './print.ts';
import { memberRow, roleRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

export function addRoleCommands(program: Command): void {
  const role = program.command('role').description('Named sets of permissions, for agents and people.');
  withPages(role.command('list')).description('List roles, oldest first.').action(inSession(list));
  withJson(role.command('show').argument('<role>')).description('Show a role.').action(inSession(show));
  withPages(role.command('members').argument('<role>'))
    .description('List the agents and people who have a role.')
    .action(inSession(members));
  withJson(role.command('create').argument('<role>', 'lower-case letters, digits, hyphens, underscores'))
    .description('Create a role.')
    .option('--permission <right>', 'what it holds; may be repeated', words, [])
    .option('--description <text>', 'at most 500 characters', '')
    .action(inSession(create));
  withJson(role.command('update').argument('<role>'))
    .description('Change what a role holds, for everyone who has it.')
    .option('--add <right>', 'may be repeated', words, [])
    .option('--remove <right>', 'may be repeated', words, [])
    .option('--description <text>', 'at most 500 characters')
    .action(inSession(update));
  withReason(role.command('delete').argument('<role>'))
    .description('Delete a role: everyone who has it loses it.')
    .action(inSession(remove));
  addAssignment(role, 'assign', 'Give a role to an agent or a person.');
  addAssignment(role, 'unassign', 'Take a role from an agent or a person.');
}

function addAssignment(role: Command, name: 'assign' | 'unassign', description: string): void {
  role
    .command(name)
    .argument('<role>')
    .description(description)
    .option('--agent <client_id>', 'client id of an agent')
    .option('--user <user>', 'e-mail address or user id of a person')
    .action(
      inSession((session, of: string, options: HolderOptions) => assign(session, `${name}ed`, of, options)),
    );
}

interface HolderOptions {
  readonly agent?: string;
  readonly user?: string;
}

interface CreateOptions extends DataOptions {
  readonly permission: readonly string[];
  readonly description: string;
}

interface UpdateOptions extends DataOptions {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly description?: string;
}

async function list({ context }: Session, options: PageOptions): Promise<void> {
  const found = await listRoles(context, pageOf(options));
  printPage(options, 'roles', found, roleRow, ['name', 'permissions', 'description']);
}

async function show({ context }: Session, name: string, { json: asJson }: DataOptions): Promise<void> {
  const row = roleRow(await findRole(context, name));
  if (asJson) json(row);
  else record(row);
}

async function members({ context }: Session, name: string, options: PageOptions): Promise<void> {
  const found = await listMembers(context, name, pageOf(options));
  printPage(options, 'members', found, memberRow, ['kind', 'id', 'name', 'assigned_at']);
}

async function create({ context, caller }: Session, name: string, options: CreateOptions): Promise<void> {
  const { permission: permissions, description } = options;
  const row = roleRow(await createRole(context, { caller, name, description, permissions }));
  if (options.json) json(row);
  else record(row);
}

async function update({ context, caller }: Session, name: string, options: UpdateOptions): Promise<void> {
  const { add, remove: removed, description } = options;
  const before = await findRole(context, name);
  const { permissions } = before;
  const missing = removed.filter((right) => !permissions.includes(right));
  if (missing.length > 0) throw new DomainError('not_found', `${name} does not hold ${missing.join(' ')}`);
  const kept = permissions.filter((right) => !removed.includes(right));
  const edits = { permissions: [...new Set([...kept, ...add])], description };
  const row = roleRow(await editRole(context, { caller, before, edits }));
  if (options.json) json(row);
  else record(row);
}

async function remove(
  { context, caller }: Session,
  name: string,
  options: { reason?: string },
): Promise<void> {
  await deleteRole(context, { caller, name, reason: options.reason ?? null });
  line(`${name} is deleted`);
}

async function assign(
  { context, caller, store }: Session,
  to: 'assigned' | 'unassigned',
  role: string,
  { agent: clientId, user: who }: HolderOptions,
): Promise<void> {
  if ((clientId === undefined) === (who === undefined)) {
    throw new DomainError('parameter_invalid', 'name either --agent or --user');
  }
  if (clientId !== undefined) {
    const { name } = await changeRoleOfAgent(context, to, { caller, role, clientId });
    line(`${role} is ${to}: ${name}`);
    return;
  }
  const { userId } = await findPerson(store, String(who));
  const { email } = await changeRoleOfUser(context, to, { caller, role, userId });
  line(`${role} is ${to}: ${email}`);
}
