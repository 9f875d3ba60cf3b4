import type { Knex } from 'knex';
import { beforeItIsTaken } from './around-connecting.ts';

const DURABLY = `SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') = 'off'`;

/**
 * INVARIANT: what was answered is on disk (ADR 1), also where the server, the database or the role would have PostgreSQL
 * answer first and write later. Other levels than `off` wait at least for this server's disk and are left as they are.
 */
export function commitDurably(db: Pick<Knex, 'client'>): void {
  beforeItIsTaken(db, (connection) => connection.query(DURABLY));
}
