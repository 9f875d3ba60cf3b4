import type { Knex } from 'knex';

/** Where the configuration of the embedded database keeps what else of this process writes to it. */
export const OTHER_WRITER = 'taskgrantOtherWriter';

/** A thread with a connection of its own. */
export interface OtherWriter {
  /** Resolves when what it writes at the moment is settled, whatever comes of it; undefined = it writes nothing. */
  readonly writing: Promise<void> | undefined;
}

export function otherWriterOf(db: Knex): OtherWriter | undefined {
  return db.client.config[OTHER_WRITER] as OtherWriter | undefined;
}
