import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Database, type DatabaseSettings, openDatabase } from '../../src/store/database.ts';
import { OTHER_WRITER } from '../../src/store/sql/other-writer.ts';
import { commitThreadOf } from '../../src/store/commit/plain/commit-thread.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { createDatabase } from '../support/postgres.ts';

/** An empty place for a database, and how to remove it. */
export interface Place {
  readonly settings: DatabaseSettings;
  remove(): Promise<void>;
}

export async function sqlitePlace(): Promise<Place> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskgrant-store-'));
  return {
    settings: { dataDir, poolMax: 1, timeoutMs: PATIENCE_MS },
    remove: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

export async function postgresPlace(holding?: 'schema' | 'nothing'): Promise<Place> {
  const { url, drop } = await createDatabase(holding);
  const settings = { databaseUrl: url, dataDir: ':memory:', poolMax: 8, timeoutMs: PATIENCE_MS };
  return { settings, remove: drop };
}

/** Without a schema. */
export const PLACES = { SQLite: sqlitePlace, PostgreSQL: () => postgresPlace('nothing') } as const;

/** Opens the embedded database and waits until plain batches are committed by its thread. */
export async function openWithThread(settings: DatabaseSettings): Promise<Database> {
  const database = await openDatabase(settings);
  const thread = commitThreadOf(database.knex);
  for (let asked = 1; thread && !thread.takes(2); asked += 1) if (asked > 200) await setTimeout(5);
  return database;
}

/** Opens the embedded database as a short command sees it: everything is committed on the main thread. */
export async function openWithoutThread(settings: DatabaseSettings): Promise<Database> {
  const database = await openDatabase(settings);
  database.knex.client.config[OTHER_WRITER] = undefined;
  return database;
}

const WAYS = {
  SQLite: [sqlitePlace, openWithoutThread],
  'SQLite, with its thread': [sqlitePlace, openWithThread],
  PostgreSQL: [postgresPlace, openDatabase],
} as const;

/** Runs one suite on every database: what the application may rely on does not depend on which one it is. */
export function onEveryDatabase(name: string, suite: (open: () => Database) => void): void {
  for (const [kind, [makePlace, open]] of Object.entries(WAYS)) {
    describe(`${name} (${kind})`, () => {
      let place: Place;
      let database: Database;
      beforeAll(async () => {
        place = await makePlace();
        database = await open(place.settings);
      });
      afterAll(async () => {
        await database?.close();
        await place?.remove();
      });
      suite(() => database);
    });
  }
}
