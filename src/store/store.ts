import type { Artifacts, Cleanup, KeyStore, RateCounters, Store } from '../app/ports.ts';
import { agentReads } from './agents.ts';
import { artifacts } from './artifacts.ts';
import { auditReads } from './audit-events.ts';
import { cleanup } from './cleanup.ts';
import { groupCommitter } from './committer.ts';
import { counts } from './counts.ts';
import type { Database } from './database.ts';
import { keyStore } from './keys.ts';
import { ledgerReads } from './ledger.ts';
import { rateCounters } from './rate-limits.ts';
import { resourceServerReads } from './resource-servers.ts';
import { isPostgres } from './statements.ts';
import { taskReads } from './tasks.ts';
import { tokenReads } from './tokens.ts';
import { userReads } from './users.ts';

export interface DatabaseStore extends Store {
  readonly artifacts: Artifacts;
  readonly keys: KeyStore;
  readonly cleanup: Cleanup;
  /** What nodes count together; undefined for the embedded database, which belongs to one process. */
  readonly rateCounters: RateCounters | undefined;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  /** Waits for the units that are on their way, then disconnects. */
  close(): Promise<void>;
}

/** Every port of the application, on one database. */
export function createStore(database: Database): DatabaseStore {
  const db = database.knex;
  const committer = groupCommitter(db);
  return {
    commit: (unit) => committer.commit(unit),
    tasks: taskReads(db),
    tokens: tokenReads(db),
    ledger: ledgerReads(db),
    agents: agentReads(db),
    users: userReads(db),
    resourceServers: resourceServerReads(db),
    audit: auditReads(db),
    counts: (now) => counts(db, now),
    artifacts: artifacts(db),
    keys: keyStore(db),
    cleanup: cleanup(db),
    rateCounters: isPostgres(db) ? rateCounters(db) : undefined,
    async ping() {
      await db.raw('SELECT 1');
    },
    async close() {
      await committer.drained();
      await database.close();
    },
  };
}
