import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { Database as SqliteConnection, Statement } from 'better-sqlite3';
import pg from 'pg';
import { storable } from '../sql/json.ts';
import { filesOf, type KnownFiles, requireSame } from './same-files.ts';
import { settleSqlite } from './sqlite-settings.ts';

export type Done = (error: Error | null, connection: unknown) => void;

/** More distinct statements than the store has; beyond it they are prepared anew, which is only slower. */
const MOST_STATEMENTS = 400;
/** Characters of a digest: no two of so few statements are called the same. */
const NAME_LENGTH = 22;
const INT8 = 20;
/** PostgreSQL, appendix A: read_only_sql_transaction. */
export const READ_ONLY = '25006';

/** Prepares a connection of knex's pool: its settings, and statements that are prepared once. */
export function prepareSqlite(busyTimeoutMs: number) {
  return (connection: SqliteConnection, done: Done): void => {
    try {
      settleSqlite(connection, busyTimeoutMs);
      // Whoever reads first makes the log.
      connection.prepare('SELECT count(*) FROM sqlite_master').get();
      reuseSqliteStatements(connection, filesOf(connection.name));
      done(null, connection);
    } catch (error) {
      done(error as Error, connection);
    }
  };
}

/**
 * For the pool, before a connection is lent again: knex does not roll back when COMMIT itself has failed (a full disk),
 * and whatever came next would join a transaction that nobody commits.
 */
export function endTransaction(connection: SqliteConnection): boolean {
  if (connection.inTransaction) connection.exec('ROLLBACK');
  return true;
}

/** A third more transactions per second than preparing each time. */
function reuseSqliteStatements(connection: SqliteConnection, files: KnownFiles): void {
  const prepared = new Map<string, Statement>();
  const prepare = connection.prepare.bind(connection);
  connection.prepare = ((sql: string) => {
    const begins = !connection.inTransaction && !/^select\b/i.test(sql);
    if (begins || /^commit\b/i.test(sql)) requireSame(files);
    // A transaction that reads before it writes could not wait for another process's write: it would fail.
    if (sql === 'BEGIN;') return remember('BEGIN IMMEDIATE;');
    return remember(sql);
  }) as typeof connection.prepare;

  function remember(sql: string): Statement {
    const known = prepared.get(sql);
    if (known) return known;
    const statement = prepare(sql);
    if (prepared.size < MOST_STATEMENTS && isRepeated(sql)) prepared.set(sql, statement);
    return statement;
  }
}

/** Not DDL, which runs once, nor PRAGMA, whose prepared result may be stale. */
function isRepeated(sql: string): boolean {
  return /^(?:select|insert|update|delete|with|begin|commit|rollback)\b/i.test(sql);
}

type PostgresQuery = { text?: string; values?: unknown[]; name?: string };
export type PostgresConnection = { query(config: unknown, ...rest: unknown[]): unknown };

/** For connections to PostgreSQL: 64-bit integers as numbers (times and counts stay far below 2^53). */
export const preparePostgres = {
  settings: {
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format),
    },
  },
  connection(connection: PostgresConnection, done: Done): void {
    const query = connection.query.bind(connection);
    const corked = onePacketPerTurn(connection);
    connection.query = (config: unknown, ...rest: unknown[]) =>
      corked(() => query(named(config), ...rest.map((one) => leavingReadOnly(connection, one))));
    done(null, connection);
  },
};

/**
 * After a failover the name of the server may stand for another one, while the one that was connected to only reads. Reads
 * go on there, so nothing else would end the connection: it is marked for knex's pool, which makes another in its place.
 */
function leavingReadOnly(connection: PostgresConnection, callback: unknown): unknown {
  if (typeof callback !== 'function') return callback;
  return (error: unknown, ...rest: unknown[]) => {
    const { code } = (error ?? {}) as { code?: unknown };
    if (code === READ_ONLY) Object.assign(connection, { __knex__disposed: 'the server only reads' });
    callback(error, ...rest);
  };
}

/** What is sent in one turn of the event loop leaves with one system call, which costs more than a small statement. */
function onePacketPerTurn(connection: PostgresConnection): <T>(send: () => T) => T {
  const { stream } = (connection as unknown as { connection: { stream: Writable } }).connection;
  let corked = false;
  return (send) => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(() => {
        corked = false;
        stream.uncork();
      });
    }
    return send();
  };
}

const names = new Map<string, string>();

/** Gives a statement with values the name under which the server keeps it prepared. */
function named(config: unknown): unknown {
  if (typeof config !== 'object' || config === null) return config;
  const { text, values } = config as PostgresQuery;
  if (text === undefined || values === undefined || values.length === 0 || !isRepeated(text)) return config;
  const name = names.get(text) ?? nameOf(text);
  return { ...config, values: values.map(storable), ...(name === undefined ? {} : { name }) };
}

/**
 * INVARIANT: a name stands for one text, whoever prepares it. Behind a pooler that lends one connection to many in turn a
 * number would run what another process has prepared under it.
 */
function nameOf(text: string): string | undefined {
  if (names.size >= MOST_STATEMENTS) return undefined;
  const name = createHash('sha256').update(text).digest('base64url').slice(0, NAME_LENGTH);
  names.set(text, name);
  return name;
}
