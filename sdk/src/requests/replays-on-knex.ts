import type { Replays } from '../resource/replays.ts';

/** As much of a knex instance (knex 2 and 3) as the store needs. */
export interface KnexLike {
  (table: string): KnexTable;
  readonly schema: {
    hasTable(table: string): PromiseLike<boolean>;
    createTable(table: string, build: (table: KnexTableBuilder) => void): PromiseLike<unknown>;
  };
}
interface KnexTable {
  insert(row: Record<string, string | number>): PromiseLike<unknown>;
  where(
    column: string,
    operator: string,
    value: string | number,
  ): {
    first(column: string): PromiseLike<unknown>;
    delete(): PromiseLike<unknown>;
  };
}
interface KnexTableBuilder {
  string(column: string, length: number): { primary(): unknown };
  bigInteger(column: string): { notNullable(): { index(): unknown } };
}

/** Where used requests are kept in a database. */
export interface KnexReplayOptions {
  /** Default `request_replays`. */
  readonly table?: string | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const SWEEP_EVERY_MS = 60_000;
/** How far the clocks of services may differ before one of them deletes what another would still accept. */
const CLOCKS_DIFFER_MS = 3_600_000;

/**
 * Keeps used requests in a table, shared by all processes on the database and over restarts. Using one up is one insert
 * under a primary key, so of any number of rivals one wins. Rows that no request has been able to meet for an hour are
 * deleted once a minute, beside the requests.
 */
export function replaysOnKnex(
  knex: KnexLike,
  { table = 'request_replays', now = Date.now }: KnexReplayOptions = {},
): Replays {
  let sweptAt = -Infinity;
  const sweep = () => {
    const moment = now();
    // Before the last time: the clock was set back.
    if (moment >= sweptAt && moment - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = moment;
    // What stays behind now is deleted by the next one.
    knex(table)
      .where('expires_at', '<', moment - CLOCKS_DIFFER_MS)
      .delete()
      .then(undefined, () => undefined);
  };
  return {
    async spend(key, expiresAt) {
      sweep();
      try {
        await knex(table).insert({ id: key, expires_at: expiresAt });
        return true;
      } catch (error) {
        // Databases name a taken key differently; whether it is there says it for all of them.
        if (await knex(table).where('id', '=', key).first('id')) return false;
        throw error;
      }
    },
  };
}

/** Creates the table when there is none; for migrations of your own: `id` varchar(128) primary key, `expires_at` bigint. */
export async function createReplayTable(knex: KnexLike, table = 'request_replays'): Promise<void> {
  if (await knex.schema.hasTable(table)) return;
  await knex.schema.createTable(table, (columns) => {
    columns.string('id', 128).primary();
    columns.bigInteger('expires_at').notNullable().index();
  });
}
