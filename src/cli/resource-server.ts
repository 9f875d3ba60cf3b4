import type { Command } from 'commander';
import { listResourceServers } from '../app/resource-servers/find-resource-server.ts';
import { registerResourceServer } from '../app/resource-servers/register-resource-server.ts';
import { type DataOptions, oneOf, withJson, words } from './options.ts';
import { json, note, record, table } from './print.ts';
import { resourceServerRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

const FORMATS = ['jwt', 'opaque'] as const;

interface RegisterOptions extends DataOptions {
  readonly name: string;
  readonly audience: readonly string[];
  readonly scope?: readonly string[];
  readonly tokenFormat: (typeof FORMATS)[number];
}

export function addResourceServerCommands(program: Command): void {
  const group = program.command('resource-server').description('The APIs that tokens are for.');
  withJson(group.command('list')).description('List resource servers.').action(inSession(list));
  withJson(group.command('register'))
    .description('Register an API. With its credentials, shown only now, it introspects tokens.')
    .requiredOption('--name <name>', '3 to 100 characters')
    .requiredOption('--audience <uri>', 'absolute URI that stands in its tokens; may be repeated', words)
    .option('--scope <right>', 'right that it knows (none named: any); may be repeated', words)
    .option('--token-format <format>', 'jwt or opaque', oneOf(FORMATS), 'jwt')
    .action(inSession(register));
}

async function list({ context }: Session, { json: asJson }: DataOptions): Promise<void> {
  const rows = (await listResourceServers(context)).map(resourceServerRow);
  if (asJson) json({ resource_servers: rows });
  else
    table(
      rows.map((row) => ({ ...row, scopes: row['scopes'] ?? 'any' })),
      ['client_id', 'name', 'token_format', 'audiences', 'scopes'],
    );
}

async function register({ context, caller }: Session, options: RegisterOptions): Promise<void> {
  const { name, audience: audiences, scope: scopes = null, tokenFormat } = options;
  const made = await registerResourceServer(context, { caller, name, audiences, scopes, tokenFormat });
  const credentials = { client_id: made.server.clientId, client_secret: made.clientSecret };
  if (options.json) {
    json({ resource_server: resourceServerRow(made.server), credentials });
    return;
  }
  record({ ...credentials, audiences: made.server.audiences });
  note('Keep the secret: it is shown only now.');
}
