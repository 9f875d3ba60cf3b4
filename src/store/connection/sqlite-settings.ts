import type { Database as SqliteConnection } from 'better-sqlite3';

/** How every connection to the embedded database keeps it: durable, and waiting for others for so long. */
export function settleSqlite(connection: SqliteConnection, busyTimeoutMs: number): void {
  // First, because changing the journal mode already has to wait for other processes.
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
  connection.pragma('journal_mode = WAL');
  // Only FULL survives a power cut; group commit makes its price small.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  // Ids sort as they were made, so writes stay on a few pages. A checkpoint holds up what is being committed: at eight
  // megabytes for so little that one request in a hundred does not notice.
  connection.pragma('cache_size = -4096');
  connection.pragma('wal_autocheckpoint = 2000');
}
