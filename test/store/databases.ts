import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Database, type DatabaseSettings, openDatabase } from '../../src/store/database.ts';
import { createDatabase } from '../support/postgres.ts';

/** An empty place for a database, and how to remove it. */
export interface Place {
  readonly settings: DatabaseSettings;
  remove(): Promise<void>;
}

export async function sqlitePlace(): Promise<Place> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskgrant-store-'));
  return {
    settings: { dataDir, poolMax: 1 },
    remove: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

export async function postgresPlace(): Promise<Place> {
  const { url, drop } = await createDatabase();
  return { settings: { databaseUrl: url, dataDir: ':memory:', poolMax: 8 }, remove: drop };
}

export const PLACES = { SQLite: sqlitePlace, PostgreSQL: postgresPlace } as const;

/** Runs one suite on every database: what the application may rely on does not depend on which one it is. */
export function onEveryDatabase(name: string, suite: (open: () => Database) => void): void {
  for (const [kind, makePlace] of Object.entries(PLACES)) {
    describe(`${name} (${kind})`, () => {
      let place: Place;
      let database: Database;
      beforeAll(async () => {
        place = await makePlace();
        database = await openDatabase(place.settings);
      });
      afterAll(async () => {
        await database?.close();
        await place?.remove();
      });
      suite(() => database);
    });
  }
}
