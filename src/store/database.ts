import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import knexLibrary, { type Knex } from 'knex';
import type { Logger } from '../app/ports.ts';
import { boundConnecting, connectingSockets } from './connection/connecting-sockets.ts';
import { waitForRoom } from './connection/connection-room.ts';
import { buildCountingIndexes } from './schema/counting-indexes.ts';
import { commitDurably } from './connection/durable-commits.ts';
import { requireReadCommitted } from './connection/isolation.ts';
import { migrateUp } from './schema/migrate.ts';
import { placeOf } from './connection/database-place.ts';
import { refuseStandbys } from './connection/no-standby.ts';
import { OTHER_WRITER } from './sql/other-writer.ts';
import { createCommitThread } from './commit/plain/commit-thread.ts';
import { filesOf, requireSame } from './connection/same-files.ts';
import { shareOf, TIMEOUT } from './sql/transaction.ts';
import { boundsOf, cutWhenSilent } from './connection/postgres-bounds.ts';
import { tellingWaits } from './schema/telling-waits.ts';
import { sayWhyUnreachable } from './connection/unreachable.ts';
import {
  type Done,
  endTransaction,
  type PostgresConnection,
  preparePostgres,
  prepareSqlite,
} from './connection/statement-reuse.ts';

const { default: knex } = knexLibrary;
/** better-sqlite3 13 needs Node-API 9 and ends the process without a word on an older Node. */
const OLDEST_NODE = 22;
/** How long the embedded database waits for another process's lock, and everything else with it. */
const BUSY_TIMEOUT_MS = 10_000;
/** The same while requests are served: whoever writes looks again later (transaction.ts). */
const BRIEF_BUSY_TIMEOUT_MS = 5;
const TIMEOUT_MS = 10_000;
/** So much longer than a connection may take a start waits for one, so that it is known why there is none. */
const LONGER = 1.1;

export interface DatabaseSettings {
  /** `postgres://…`; absent = the embedded database in `dataDir`. */
  readonly databaseUrl?: string | undefined;
  /** Folder of the embedded database, or `:memory:` for one that ends with the process. */
  readonly dataDir: string;
  /** Connections to PostgreSQL at most; the embedded database has one. */
  readonly poolMax: number;
  /** How long a request may wait for the database, in milliseconds; 10 s when absent. Migrations take their time. */
  readonly timeoutMs?: number | undefined;
  /** How long the connection that a start begins with may take, in milliseconds; 10 s when absent. */
  readonly startWithinMs?: number | undefined;
  /** For what the database reports without being asked, such as connections that it ended. */
  readonly logger?: Pick<Logger, 'warn' | 'error'> | undefined;
  /** For a process that closes it soon, which leaves to the servers what they build beside their work. */
  readonly brief?: boolean | undefined;
  /** Another program for the thread that commits to the embedded database. */
  readonly commitScript?: URL | undefined;
}

export interface Database {
  readonly knex: Knex;
  /** What it is and where, for people: `PostgreSQL at db.example:5432`. */
  readonly place?: string;
  readonly logger?: DatabaseSettings['logger'];
  /** @throws Error where its files are not those any more that were opened. */
  requireIntact?(): void;
  close(): Promise<void>;
}

/** Brings the schema up to date and connects. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const patient = connect(settings);
  try {
    await bringUpToDate(patient, settings);
    if (!settings.databaseUrl) {
      // The same connection: a database in memory has no other.
      await patient.raw(`PRAGMA busy_timeout = ${BRIEF_BUSY_TIMEOUT_MS}`);
      return withCommitThread(databaseOf(patient, settings), settings);
    }
  } catch (error) {
    await patient.destroy();
    throw settings.databaseUrl ? error : unusable(settings.dataDir, error);
  }
  const connected = postgres(settings, boundsOf(settings.timeoutMs ?? TIMEOUT_MS));
  waitForRoom(connected);
  if (settings.brief) {
    await patient.destroy();
    return databaseOf(connected, settings);
  }
  const closing = new AbortController();
  const indexed = buildCountingIndexes(patient, { log: settings.logger, signal: closing.signal }).finally(
    () => patient.destroy(),
  );
  return {
    ...databaseOf(connected, settings),
    async close() {
      closing.abort();
      await indexed;
      await connected.destroy();
    },
  };
}

/** Changes the schema as far as it has to be; the log says what that waits for. */
export function bringUpToDate(db: Knex, settings: DatabaseSettings): Promise<void> {
  const { databaseUrl, logger, timeoutMs = TIMEOUT_MS } = settings;
  return tellingWaits({ place: placeOf(databaseUrl), logger, afterMs: timeoutMs }, (doing) =>
    migrateUp(db, undefined, doing),
  );
}

/** A connection to a schema as it is, whose statements may take as long as they need. */
export function connect(settings: DatabaseSettings): Knex {
  return settings.databaseUrl ? postgres(settings) : open(settings, sqlite(settings.dataDir));
}

function databaseOf(connected: Knex, { databaseUrl, logger }: DatabaseSettings): Database {
  return { knex: connected, place: placeOf(databaseUrl), logger, close: () => connected.destroy() };
}

/** A database in memory belongs to its one connection. */
function withCommitThread(database: Database, settings: DatabaseSettings): Database {
  const { dataDir, timeoutMs = TIMEOUT_MS } = settings;
  if (dataDir === ':memory:') return database;
  const { knex: db, logger } = database;
  const file = databaseFile(dataDir);
  const files = filesOf(file);
  const thread = createCommitThread({
    file,
    files,
    busyTimeoutMs: shareOf(timeoutMs, 'step'),
    patienceMs: timeoutMs,
    logger,
    script: settings.commitScript,
  });
  db.client.config[OTHER_WRITER] = thread;
  return {
    ...database,
    requireIntact: () => requireSame(files),
    async close() {
      await thread.close();
      await database.close();
    },
  };
}

function open(
  { databaseUrl, logger, timeoutMs = TIMEOUT_MS }: DatabaseSettings,
  dialect: Knex.Config,
  onConnecting: (connected: Knex) => void = () => undefined,
): Knex {
  const manners = {
    // An error names its statement, never the values in it.
    compileSqlOnError: false,
    log: {
      warn: (message: unknown) => logger?.warn('the database reports', { report: String(message) }),
      error: (message: unknown) => logger?.error('the database reports', { report: String(message) }),
    },
    [TIMEOUT]: timeoutMs,
  };
  const connected = knex({ ...manners, ...dialect });
  onConnecting(connected);
  sayWhyUnreachable(connected, placeOf(databaseUrl));
  return connected;
}

/** `bounds`: of every statement and every wait for a connection; undefined = as long as it takes. */
function postgres(settings: DatabaseSettings, bounds?: ReturnType<typeof boundsOf>): Knex {
  const { databaseUrl, poolMax, timeoutMs = TIMEOUT_MS, startWithinMs = TIMEOUT_MS } = settings;
  const withinMs = bounds?.stepMs ?? startWithinMs;
  const sockets = connectingSockets();
  const dialect: Knex.Config = {
    client: 'pg',
    connection: {
      connectionString: databaseUrl,
      keepAlive: true,
      // Statements that do not wait for one another share a round trip (send-together.ts).
      pipeline: true,
      ...preparePostgres.settings,
      stream: sockets.stream,
      // Also in the middle of a migration: the locks of a node that is gone are everybody's.
      idle_in_transaction_session_timeout: timeoutMs,
      ...bounds?.settings,
    } as Knex.PgConnectionConfig,
    acquireConnectionTimeout: bounds?.stepMs ?? Math.ceil(LONGER * startWithinMs),
    pool: {
      min: 0,
      max: poolMax,
      afterCreate: (connection: PostgresConnection, done: Done) => {
        if (bounds) cutWhenSilent(connection, bounds.silentMs);
        preparePostgres.connection(connection, done);
      },
    },
  };
  const connected = open(settings, dialect, (fresh) => {
    refuseStandbys(fresh);
    requireReadCommitted(fresh);
    commitDurably(fresh);
  });
  boundConnecting(connected, { sockets, withinMs });
  return connected;
}

function sqlite(dataDir: string): Knex.Config {
  requireNode(process.versions.node);
  return {
    client: 'better-sqlite3',
    connection: { filename: databaseFile(dataDir) },
    useNullAsDefault: true,
    pool: {
      // One connection: its writes could not run in parallel, and `:memory:` is a database per connection.
      min: 1,
      max: 1,
      afterCreate: prepareSqlite(BUSY_TIMEOUT_MS),
      validate: endTransaction,
    },
  };
}

/** Where a file of the embedded database is, which there is then. */
export function databaseFile(dataDir: string, name = 'taskgrant.db'): string {
  if (dataDir === ':memory:') return dataDir;
  try {
    return fileIn(dataDir, name);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function fileIn(dataDir: string, name: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, name);
  // For the owner alone, even in a folder that others may read; SQLite gives its other files the same mode.
  // INVARIANT: not when it is there. Closing a file frees all locks that this process has on it (POSIX), SQLite's too;
  // the next program to close the database would take the log with it that is being written.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  return file;
}

/** What the file system or SQLite says, with what it is about; any other error as it is. */
function unusable(dataDir: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const told = `The embedded database in ${dataDir} (DATA_DIR) cannot be used: ${message}`;
  return Object.assign(new Error(told, { cause: error }), { code });
}

export function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return;
  throw new Error(`the embedded database needs Node ${OLDEST_NODE} or later, this is Node ${version}`);
}
