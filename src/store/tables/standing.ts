import type { Knex } from 'knex';
import type { TokenStanding } from '../../app/ports/tokens.ts';
import { handleKey, restsOn, tokenDependencies } from '../../domain/revocation.ts';
import type { Task } from '../../domain/task.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import { gather } from '../waiting/gather.ts';
import { revocationsByHandle } from '../ledger/ledger.ts';
import { registryVersion } from './registry.ts';
import { LEDGER_HEAD, type LedgerHead } from '../ledger/ledger-head.ts';
import type { MayName, RememberedLedger } from '../ledger/remembered-ledger.ts';
import { among, type Row, rowsOf } from '../sql/statements.ts';
import { tasks } from './tasks.ts';
import { tokens } from './tokens.ts';

const readToken = tokens.readPrefixed('token_');
const readTask = tasks.readPrefixed('task_');

/** Each row tells beside its token where ledger and registry are. Without a token nobody needs to know of the ledger. */
const SELECT = `SELECT ${LEDGER_HEAD.seq} AS ledger_seq, ${LEDGER_HEAD.handle} AS ledger_handle,
  (SELECT version FROM registry_version) AS registry_version,
  ${[
    ...tokens.columns.map((column) => `tokens.${column} AS token_${column}`),
    ...tasks.columns.map((column) => `tasks.${column} AS task_${column}`),
  ].join(', ')}
  FROM tokens JOIN tasks ON tasks.handle = tokens.task_handle`;

/** One statement for all who ask in the same turn, and none for the ledger while it names nothing they depend on. */
export function standings(db: Knex, ledger: RememberedLedger): (tokenId: string) => Promise<TokenStanding> {
  return gather(async (tokenIds: readonly string[]) => {
    const { sql, bindings } = among(db, 'tokens.token_id', tokenIds);
    const rows = await rowsOf(db, `${SELECT} WHERE ${sql}`, bindings);
    const [first] = rows;
    if (!first) {
      const registry = await registryVersion(db);
      return () => ({ found: undefined, registry });
    }
    const registry = versionIn(first);
    const mayName = await ledger.upTo(headIn(first));
    const found = await withRevocations(db, mayName, rows.map(read));
    return (tokenId) => ({ found: found.get(tokenId), registry });
  });
}

function versionIn(row: Row): number {
  const version = row['registry_version'] as number | null;
  if (version === null) throw new Error('the table registry_version has lost its row');
  return version;
}

function headIn(row: Row): LedgerHead {
  return { seq: row['ledger_seq'] as number, handle: row['ledger_handle'] as string | null };
}

function read(row: Row): { token: TaskToken; task: Task } {
  return { token: readToken(row), task: readTask(row) };
}

async function withRevocations(
  db: Knex,
  mayName: MayName,
  found: readonly { token: TaskToken; task: Task }[],
): Promise<ReadonlyMap<string, NonNullable<TokenStanding['found']>>> {
  const suspects = found.filter(({ token, task }) => restsOn(token, task, mayName));
  const dependencies = new Map(suspects.map(({ token, task }) => [token, tokenDependencies(token, task)]));
  const revoked = await revocationsByHandle(db, [...dependencies.values()].flat());
  return new Map(
    found.map(({ token, task }) => {
      const revocations = dependencies.get(token)?.flatMap((one) => revoked.get(handleKey(one)) ?? []) ?? [];
      return [token.tokenId, { token, task, revocations }];
    }),
  );
}
