import type { Knex } from 'knex';
import { isPostgres } from '../statements.ts';
import { commitThreadOf } from './commit-thread.ts';
import { flatBatchOf } from './flat-batch.ts';
import { type CommitPlain, plainBatchOf } from './plain-batch.ts';
import { statementCommit } from './postgres-statement.ts';

/** How plain batches are committed to the database; undefined = as all others are. */
export function plainCommits(db: Knex): CommitPlain | undefined {
  if (isPostgres(db)) return statementCommit(db);
  const thread = commitThreadOf(db);
  if (!thread) return undefined;
  return async (units) => (thread.takes() ? thread.commit(flatBatchOf(plainBatchOf(units))) : undefined);
}
