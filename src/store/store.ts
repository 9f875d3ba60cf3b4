import type { Clock, Store } from '../app/ports.ts';
import type { Artifacts } from '../app/ports/artifacts.ts';
import type { Cleanup } from '../app/ports/cleanup.ts';
import type { KeyStore } from '../app/ports/keys.ts';
import type { RateCounters } from '../app/ports/rate-limits.ts';
import type { WebhookOutbox } from '../app/ports/webhooks.ts';
import { agentReads } from './tables/agents.ts';
import { answering } from './waiting/answering.ts';
import { apiKeyReads } from './tables/api-keys.ts';
import { artifacts } from './tables/artifacts.ts';
import { auditReads } from './tables/audit-events.ts';
import { cleanup } from './tables/cleanup.ts';
import { groupCommitter } from './commit/committer.ts';
import { counts } from './tables/counts.ts';
import type { Database } from './database.ts';
import { eventReceivers } from './tables/event-receivers.ts';
import { idempotencyReads } from './tables/idempotency-records.ts';
import { keyStore } from './tables/keys.ts';
import { ledgerReads } from './ledger/ledger.ts';
import { permissionReads } from './tables/permissions.ts';
import { rateCounters } from './tables/rate-limits.ts';
import { registry } from './tables/registry.ts';
import { rememberedLedger } from './ledger/remembered-ledger.ts';
import { resourceServerReads } from './tables/resource-servers.ts';
import { roleReads } from './tables/roles.ts';
import { standings } from './tables/standing.ts';
import { isPostgres } from './sql/statements.ts';
import { statusLists } from './tables/status-lists.ts';
import { taskReads } from './tables/tasks.ts';
import { tokenReads } from './tables/tokens.ts';
import { timeoutOf } from './sql/transaction.ts';
import { userReads } from './tables/users.ts';
import { webhookOutbox } from './tables/webhook-outbox.ts';
import { webhookReads } from './tables/webhooks.ts';

export interface DatabaseStore extends Store {
  readonly artifacts: Artifacts;
  readonly keys: KeyStore;
  readonly webhookOutbox: WebhookOutbox;
  readonly cleanup: Cleanup;
  /** What nodes count together; undefined for the embedded database, which belongs to one process. */
  readonly rateCounters: RateCounters | undefined;
  /** Calls the listener after every commit of this process that wrote to the ledger. */
  onRevoked(listener: () => void): void;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  /** Waits for the units that are on their way, then disconnects. */
  close(): Promise<void>;
}

/** Every port of the application, on one database. */
export function createStore(database: Database, clock?: Clock): DatabaseStore {
  const db = database.knex;
  const listeners: (() => void)[] = [];
  const revocationListeners: (() => void)[] = [];
  const ledger = rememberedLedger(db);
  const committer = groupCommitter(db, undefined, {
    recorded: () => listeners.forEach((heard) => heard()),
    revoked: () => revocationListeners.forEach((heard) => heard()),
    ledger,
    ...(clock ? { clock } : {}),
  });
  const { port, outcome } = answering(timeoutOf(db), database);
  const agents = port(agentReads(db));
  const resourceServers = port(resourceServerReads(db));
  return {
    // The committer minds its own time: what still waits for its turn is never committed afterwards.
    commit: (unit) => outcome(committer.commit(unit)),
    tasks: port(taskReads(db)),
    tokens: port({ ...tokenReads(db), standing: standings(db, ledger) }),
    ledger: port(ledgerReads(db)),
    agents,
    users: port(userReads(db)),
    resourceServers,
    roles: port(roleReads(db)),
    permissions: port(permissionReads(db)),
    registry: port(registry(db, { agents, resourceServers })),
    audit: port(auditReads(db)),
    artifacts: port(artifacts(db)),
    apiKeys: port(apiKeyReads(db)),
    idempotency: port(idempotencyReads(db)),
    eventReceivers: port(eventReceivers(db)),
    statusLists: port(statusLists(db)),
    webhooks: port(webhookReads(db)),
    webhookOutbox: { ...port(webhookOutbox(db)), onRecorded: (listener) => void listeners.push(listener) },
    onRevoked: (listener) => void revocationListeners.push(listener),
    keys: port(keyStore(db)),
    cleanup: port(cleanup(db)),
    rateCounters: isPostgres(db) ? port(rateCounters(db)) : undefined,
    ...port({
      counts: (now: number) => counts(db, now),
      async ping() {
        await db.raw('SELECT 1');
        database.requireIntact?.();
      },
    }),
    async close() {
      await committer.drained();
      await database.close();
    },
  };
}
