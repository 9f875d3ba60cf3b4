import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';
import { lockUntilCommit } from './locks.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);

/** knex looks for migrations with `require`; this source imports the TypeScript files as they are. */
const source: Knex.MigrationSource<string> = {
  async getMigrations() {
    const files = await readdir(FOLDER);
    return files.filter((file) => /^\d{14}_\w+\.ts$/.test(file)).sort();
  },
  getMigrationName: (file) => file,
  getMigration: (file) => import(new URL(file, FOLDER).href),
};

/**
 * Brings the schema up to date. Nodes that start together wait for one another, and a node that dies half-way
 * leaves neither a half-made schema nor a lock behind: all of it is one transaction.
 */
export async function migrateUp(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    await lockUntilCommit(trx, 'migrations');
    await trx.migrate.latest({ migrationSource: source });
  });
}

/** Undoes every migration: the tables and all that is in them go. */
export async function migrateDown(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    await lockUntilCommit(trx, 'migrations');
    await trx.migrate.rollback({ migrationSource: source }, true);
  });
}

/** Names of the migrations that were applied, in order, and of those that wait. */
export async function migrationStatus(knex: Knex): Promise<{ applied: string[]; pending: string[] }> {
  const [applied, pending] = (await knex.migrate.list({ migrationSource: source })) as [
    { name: string }[],
    string[],
  ];
  return { applied: applied.map(({ name }) => name), pending };
}
