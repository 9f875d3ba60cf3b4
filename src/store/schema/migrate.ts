import { readdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { requireCompatible } from './schema-releases.ts';
import { lockUntilCommit } from '../sql/locks.ts';
import { isPostgres } from '../sql/statements.ts';

const FOLDER = new URL('../../../migrations/', import.meta.url);
/**
 * How long a migration waits for a table that others use. Requests queue behind it meanwhile, so it is short, and tried
 * again: a backup may hold its locks for hours. It is shorter than PostgreSQL's deadlock_timeout (1 s), so that of a
 * migration and a request that wait for each other the migration gives way.
 */
const LOCK_TIMEOUT_MS = 400;
const LOCK_ATTEMPTS = 30;
/** Between 0.5 and 1 s, so that it does not meet the same rhythm again and again. */
const pauseMs = () => 500 + Math.random() * 500;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

export type Migration = Knex.Migration & { readonly name: string };

/**
 * knex would look for migrations with `require`; here the TypeScript files are imported as they are. All of them
 * are loaded beforehand, so that nobody waits for the disk while holding the lock.
 */
export async function loadMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{14}_\w+\.ts$/.test(file)).sort();
  const migrations: Migration[] = [];
  for (const name of files) migrations.push({ ...(await import(new URL(name, FOLDER).href)), name });
  return migrations;
}

/**
 * Brings the schema up to date. Nodes that start together wait for one another, and a node that dies half-way
 * leaves neither a half-made schema nor a lock behind: all of it is one transaction. A schema that a newer release has
 * made is left as it is.
 * @param doing is told what is waited for from now on.
 * @throws Error when this release cannot work with the schema, or a table stays locked.
 */
export async function migrateUp(
  knex: Knex,
  migrations?: readonly Migration[],
  doing: (what: string) => void = () => undefined,
): Promise<void> {
  const known = migrations ?? (await loadMigrations());
  for (let attempt = 1; ; attempt += 1) {
    try {
      await knex.transaction((trx) => applyPending(trx, known, doing));
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw error;
      if (attempt === LOCK_ATTEMPTS) {
        throw new Error('a table stays locked, perhaps by a backup: the schema was not changed', {
          cause: error,
        });
      }
    }
    await setTimeout(pauseMs());
  }
}

async function applyPending(
  trx: Knex.Transaction,
  known: readonly Migration[],
  doing: (what: string) => void,
): Promise<void> {
  doing('the lock of migrations, which another start or command holds');
  await lockUntilCommit(trx, 'migrations');
  const { newer } = requireCompatible(namesOf(known), await appliedTo(trx));
  if (newer.length > 0) return;
  if (isPostgres(trx)) await trx.raw(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  doing('changes of the schema, or a table that others use');
  await trx.migrate.latest({ migrationSource: sourceOf(known) });
}

/**
 * Undoes every migration: the tables and all that is in them go.
 * @throws Error when a newer release has migrated: only that one knows how to undo it.
 */
export async function migrateDown(knex: Knex, migrations?: readonly Migration[]): Promise<void> {
  const known = migrations ?? (await loadMigrations());
  await knex.transaction(async (trx) => {
    await lockUntilCommit(trx, 'migrations');
    const { newer } = requireCompatible(namesOf(known), await appliedTo(trx));
    if (newer.length > 0) {
      throw new Error(`a newer release has migrated this database; use that one to undo ${newer.join(', ')}`);
    }
    await trx.migrate.rollback({ migrationSource: sourceOf(known) }, true);
  });
}

/** Names of migrations in order: those that were applied, by whichever release, and those of this one that wait. */
export async function migrationStatus(knex: Knex): Promise<{ applied: string[]; pending: string[] }> {
  const known = namesOf(await loadMigrations());
  const applied = await appliedTo(knex);
  return { applied, pending: known.filter((name) => !applied.includes(name)) };
}

async function appliedTo(knex: Knex): Promise<string[]> {
  if (!(await knex.schema.hasTable('knex_migrations'))) return [];
  return knex('knex_migrations').orderBy('name').pluck('name');
}

function namesOf(migrations: readonly Migration[]): string[] {
  return migrations.map(({ name }) => name);
}

function sourceOf(known: readonly Migration[]): Knex.MigrationSource<Migration> {
  return {
    getMigrations: async () => [...known],
    getMigrationName: ({ name }) => name,
    getMigration: async (migration) => migration,
  };
}
