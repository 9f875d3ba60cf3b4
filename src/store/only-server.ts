import { databaseFile, requireNode } from './database.ts';

/** An embedded database that belongs to the server of this process. */
export interface Claim {
  release(): void;
}

/** Longer than a server needs that is just ending; nobody waits for this one yet. */
const WAIT_MS = 1_000;

/**
 * Takes an embedded database for one server: whoever starts frees what the last one had begun, and sets up its own
 * address. Commands of the CLI work beside it. A lock of SQLite on a file beside the database, because the system frees it
 * however a process ends.
 * @throws Error while another server has it.
 */
export async function claimDatabase(dataDir: string): Promise<Claim> {
  // One in memory is nobody else's.
  if (dataDir === ':memory:') return { release: () => undefined };
  requireNode(process.versions.node);
  const { default: Connection } = await import('better-sqlite3');
  const lock = new Connection(databaseFile(dataDir, 'server.lock'), { timeout: WAIT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { code?: unknown }).code !== 'SQLITE_BUSY') throw cause;
    throw new Error(`another server uses the embedded database in ${dataDir}, which is for one at a time`, {
      cause,
    });
  }
  return { release: () => void lock.close() };
}
