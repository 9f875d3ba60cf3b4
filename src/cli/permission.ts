import type { Command } from 'commander';
import { addPermission } from '../app/permissions/add-permission.ts';
import { readCatalogue } from '../app/permissions/catalogue.ts';
import { removePermission } from '../app/permissions/remove-permission.ts';
import { type DataOptions, withJson } from './options.ts';
import { json, line, table } from './print.ts';
import { inSession, type Session } from './session.ts';

export function addPermissionCommands(program: Command): void {
  const permission = program
    .command('permission')
    .description('The catalogue: what agents can ask for. Granting is another matter.');
  withJson(permission.command('list')).description('List the catalogue.').action(inSession(list));
  permission
    .command('add')
    .argument('<permission>', 'such as crm:notes:read or read_stock')
    .argument('<description>', 'what it means to a person')
    .description('Add a permission to the catalogue.')
    .action(inSession(add));
  permission
    .command('remove')
    .argument('<permission>')
    .description('Take from the catalogue what was added; whoever was granted it keeps it.')
    .action(inSession(remove));
}

async function list({ context }: Session, { json: asJson }: DataOptions): Promise<void> {
  const rows = [...(await readCatalogue(context))].map(([permission, description]) => ({
    permission,
    description,
  }));
  if (asJson) json({ permissions: rows });
  else table(rows, ['permission', 'description']);
}

async function add({ context, caller }: Session, permission: string, description: string): Promise<void> {
  await addPermission(context, { caller, permission, description });
  line(`${permission} is in the catalogue`);
}

async function remove({ context, caller }: Session, permission: string): Promise<void> {
  await removePermission(context, { caller, permission });
  line(`${permission} is no longer in the catalogue`);
}
