import type { Knex } from 'knex';
import { isPostgres } from '../statements.ts';
import type { CommitPlain } from './plain-batch.ts';
import { statementCommit } from './postgres-statement.ts';

/** How plain batches are committed to the database; undefined = as all others are. */
export function plainCommits(db: Knex): CommitPlain | undefined {
  return isPostgres(db) ? statementCommit(db) : undefined;
}
