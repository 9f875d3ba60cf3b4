import type { Knex } from 'knex';
import type { RememberedLedger } from '../../ledger/remembered-ledger.ts';
import { isPostgres } from '../../sql/statements.ts';
import { commitThreadOf } from './commit-thread.ts';
import { flatBatchOf } from './flat-batch.ts';
import { type PlainCommits, plainBatchOf } from './plain-batch.ts';
import { commitByStatement } from './postgres-statement.ts';

/** Fewer are committed with the others sooner than they are handed over. */
const WORTH_HANDING_OVER = 4;

/** How plain batches are committed to the database; undefined = as all others are. */
export function plainCommits(db: Knex, ledger: RememberedLedger): PlainCommits | undefined {
  // On PostgreSQL one more commit is one more round trip.
  if (isPostgres(db)) return { commit: commitByStatement(db, ledger), areWorthACommit: () => false };
  const thread = commitThreadOf(db);
  return (
    thread && {
      async commit(units) {
        if (!thread.takes(units.length)) return undefined;
        const batch = plainBatchOf(units);
        const clear = ledger.clearOf(batch.bases);
        const told = await thread.commit(flatBatchOf(batch, clear));
        // The ledger may have grown since: the next batch should know.
        if (told === undefined && clear) void ledger.catchUp();
        return told;
      },
      areWorthACommit: (count) => thread.isReady && count >= WORTH_HANDING_OVER,
    }
  );
}
