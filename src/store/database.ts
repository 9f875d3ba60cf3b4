import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import knexLibrary, { type Knex } from 'knex';
import type { Logger } from '../app/ports.ts';
import { migrateUp } from './migrate.ts';
import { preparePostgres, prepareSqlite } from './statement-reuse.ts';

const { default: knex } = knexLibrary;
/** better-sqlite3 13 needs Node-API 9 and ends the process without a word on an older Node. */
const OLDEST_NODE = 22;
const BUSY_TIMEOUT_MS = 10_000;
/** How long a request waits for a connection before it fails. */
const ACQUIRE_TIMEOUT_MS = 10_000;

export interface DatabaseSettings {
  /** `postgres://…`; absent = the embedded database in `dataDir`. */
  readonly databaseUrl?: string | undefined;
  /** Folder of the embedded database, or `:memory:` for one that ends with the process. */
  readonly dataDir: string;
  /** Connections to PostgreSQL at most; the embedded database has one. */
  readonly poolMax: number;
  /** For what the database reports without being asked, such as connections that it ended. */
  readonly logger?: Pick<Logger, 'warn' | 'error'> | undefined;
}

export interface Database {
  readonly knex: Knex;
  close(): Promise<void>;
}

/** Connects and brings the schema up to date. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const connected = connect(settings);
  try {
    await migrateUp(connected);
  } catch (error) {
    await connected.destroy();
    throw error;
  }
  return { knex: connected, close: () => connected.destroy() };
}

/** A connection to a schema as it is. */
export function connect({ databaseUrl, dataDir, poolMax, logger }: DatabaseSettings): Knex {
  const common: Knex.Config = {
    // An error names its statement, never the values in it.
    compileSqlOnError: false,
    log: {
      warn: (message: unknown) => logger?.warn('the database reports', { report: String(message) }),
      error: (message: unknown) => logger?.error('the database reports', { report: String(message) }),
    },
  };
  return knex({ ...common, ...(databaseUrl ? postgres(databaseUrl, poolMax) : sqlite(dataDir)) });
}

function postgres(connectionString: string, max: number): Knex.Config {
  return {
    client: 'pg',
    // Statements that do not wait for one another share a round trip (send-together.ts).
    connection: {
      connectionString,
      keepAlive: true,
      pipeline: true,
      ...preparePostgres.settings,
    } as Knex.PgConnectionConfig,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    pool: { min: 0, max, afterCreate: preparePostgres.connection },
  };
}

function sqlite(dataDir: string): Knex.Config {
  requireNode(process.versions.node);
  return {
    client: 'better-sqlite3',
    connection: { filename: databaseFile(dataDir) },
    useNullAsDefault: true,
    // One connection: its writes could not run in parallel, and `:memory:` is a database per connection.
    pool: { min: 1, max: 1, afterCreate: prepareSqlite(BUSY_TIMEOUT_MS) },
  };
}

function databaseFile(dataDir: string): string {
  if (dataDir === ':memory:') return dataDir;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'taskgrant.db');
  // For the owner alone, even in a folder that others may read; SQLite gives its other files the same mode.
  closeSync(openSync(file, 'a', 0o600));
  return file;
}

export function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return;
  throw new Error(`the embedded database needs Node ${OLDEST_NODE} or later, this is Node ${version}`);
}
