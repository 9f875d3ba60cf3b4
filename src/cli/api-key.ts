import type { Command } from 'commander';
import { createApiKey } from '../app/api-keys/create-api-key.ts';
import { listApiKeys } from '../app/api-keys/list-api-keys.ts';
import { revokeApiKey } from '../app/api-keys/revoke-api-key.ts';
import { rotateApiKey } from '../app/api-keys/rotate-api-key.ts';
import { type ApiKey, apiKeyState } from '../domain/api-key.ts';
import {
  type DataOptions,
  type PageOptions,
  pageOf,
  printPage,
  wholeNumber,
  withJson,
  withPages,
} from './options.ts';
import { json, line, note, type Row, record } from './print.ts';
import { inSession, type Session } from './session.ts';

const MOST_DAYS = 3650;
const DAY = 86_400;

export function addApiKeyCommands(program: Command): void {
  const key = program
    .command('key')
    .alias('api-key')
    .description('API keys: what agents prove themselves with at the AgentAuth-style endpoints.');
  withJson(key.command('create').argument('<client_id>'))
    .description('Give an agent an API key, shown only now.')
    .requiredOption('--name <name>', '1 to 100 characters')
    .option('--expires-in <days>', 'days until it is refused', wholeNumber(1, MOST_DAYS))
    .action(inSession(create));
  withPages(key.command('list').argument('<client_id>'))
    .description('List the API keys of an agent, newest first.')
    .action(inSession(list));
  withJson(key.command('rotate').argument('<client_id>').argument('<key_id>'))
    .description('Give an API key a successor, shown only now; the old one works for an overlap.')
    .option('--immediate', 'end the old key at once')
    .action(inSession(rotate));
  withJson(key.command('revoke').argument('<client_id>').argument('<key_id>'))
    .description('Revoke an API key, and every task that it opened.')
    .action(inSession(revoke));
}

async function create(
  { context, caller }: Session,
  clientId: string,
  { name, expiresIn, json: asJson }: DataOptions & { name: string; expiresIn?: number },
): Promise<void> {
  const seconds = expiresIn === undefined ? null : expiresIn * DAY;
  const proof = 'administrator';
  const { value, key } = await createApiKey(context, { caller, clientId, proof, name, expiresIn: seconds });
  show({ api_key: value, ...keyRow(key, context.clock.now()) }, asJson);
}

async function list({ context }: Session, clientId: string, options: PageOptions): Promise<void> {
  const visitor = 'administrator';
  const found = await listApiKeys(context, { clientId, visitor, page: pageOf(options) });
  const row = (key: ApiKey) => keyRow(key, context.clock.now());
  printPage(options, 'api_keys', found, row, ['key_id', 'state', 'prefix', 'name', 'last_used_at']);
}

async function rotate(
  { context, caller }: Session,
  clientId: string,
  keyId: string,
  { immediate = false, json: asJson }: DataOptions & { immediate?: boolean },
): Promise<void> {
  const proof = 'administrator';
  const rotated = await rotateApiKey(context, { caller, clientId, keyId, proof, immediate });
  const ends = rotated.replaced.expiresAt;
  const row = keyRow(rotated.key, context.clock.now());
  show({ api_key: rotated.value, ...row, old_key_expires_at: iso(ends) }, asJson);
}

function show(row: Row, asJson: boolean | undefined): void {
  if (asJson) {
    json(row);
    return;
  }
  record(row);
  note('Keep the API key: it is shown only now.');
}

async function revoke(
  { context, caller }: Session,
  clientId: string,
  keyId: string,
  { json: asJson }: DataOptions,
): Promise<void> {
  const visitor = 'administrator';
  const { key, ended } = await revokeApiKey(context, { caller, clientId, keyId, visitor });
  const row = {
    ...keyRow(key, context.clock.now()),
    revoked_tasks: ended.tasks,
    revoked_tokens: ended.tokens,
  };
  if (asJson) json(row);
  else line(`${keyId} is ${row.state}; ${ended.tasks} tasks that it opened were revoked`);
}

function keyRow(key: ApiKey, now: number) {
  return {
    key_id: key.keyId,
    name: key.name,
    prefix: `tg_${key.prefix}`,
    state: apiKeyState(key, now),
    created_at: iso(key.createdAt),
    expires_at: iso(key.expiresAt),
    last_used_at: iso(key.lastUsedAt),
    revoked_at: iso(key.revokedAt),
    replaced_by: key.replacedBy,
  };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
