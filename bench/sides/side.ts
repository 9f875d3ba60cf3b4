/** A server under measurement. */
export interface Side {
  readonly origin: string;
  /** Its process. */
  readonly pid: number;
  /** The main process of its database server, if it has one of its own. */
  readonly databasePid?: number | undefined;
  /** From spawn to the first answer, in milliseconds. */
  readonly startedIn: number;
  /** Settles what the last load left to do, so that nobody else pays for it. */
  settle?(): Promise<void>;
}

export type DatabaseKind = 'sqlite' | 'postgres';

export const DATABASE_NAMES: Record<DatabaseKind, string> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

export const DATABASES: readonly DatabaseKind[] = ['postgres', 'sqlite'];
