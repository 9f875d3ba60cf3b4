import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';
import { lockUntilCommit } from './locks.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);

type Migration = Knex.Migration & { readonly name: string };

/**
 * knex would look for migrations with `require`; here the TypeScript files are imported as they are. All of them
 * are loaded beforehand, so that nobody waits for the disk while holding the lock.
 */
async function loadMigrations(): Promise<Knex.MigrationSource<Migration>> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{14}_\w+\.ts$/.test(file)).sort();
  const migrations: Migration[] = [];
  for (const name of files) migrations.push({ ...(await import(new URL(name, FOLDER).href)), name });
  return {
    getMigrations: async () => migrations,
    getMigrationName: ({ name }) => name,
    getMigration: async (migration) => migration,
  };
}

/**
 * Brings the schema up to date. Nodes that start together wait for one another, and a node that dies half-way
 * leaves neither a half-made schema nor a lock behind: all of it is one transaction.
 */
export async function migrateUp(knex: Knex): Promise<void> {
  const migrationSource = await loadMigrations();
  await knex.transaction(async (trx) => {
    await lockUntilCommit(trx, 'migrations');
    await trx.migrate.latest({ migrationSource });
  });
}

/** Undoes every migration: the tables and all that is in them go. */
export async function migrateDown(knex: Knex): Promise<void> {
  const migrationSource = await loadMigrations();
  await knex.transaction(async (trx) => {
    await lockUntilCommit(trx, 'migrations');
    await trx.migrate.rollback({ migrationSource }, true);
  });
}

/** Names of the migrations that were applied, in order, and of those that wait. */
export async function migrationStatus(knex: Knex): Promise<{ applied: string[]; pending: string[] }> {
  const migrationSource = await loadMigrations();
  const [applied, pending] = (await knex.migrate.list({ migrationSource })) as { name: string }[][];
  return {
    applied: (applied ?? []).map(({ name }) => name),
    pending: (pending ?? []).map(({ name }) => name),
  };
}
