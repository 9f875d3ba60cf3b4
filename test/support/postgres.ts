import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '../../src/store/database.ts';

export interface TestDatabase {
  readonly url: string;
  /** Ends whatever is still connected and removes the database. */
  drop(): Promise<void>;
}

/** A new database on the test server, of the calling suite's own: with a schema and no rows, or with nothing at all. */
export async function createDatabase(holding: 'schema' | 'nothing' = 'schema'): Promise<TestDatabase> {
  const template = process.env['TEST_DATABASE_TEMPLATE'];
  return createFrom(holding === 'schema' && template ? template : 'template0');
}

/** What others are made from, which is faster than to migrate each: its name, and how it is removed. */
export async function createTemplate(): Promise<{ name: string; drop(): Promise<void> }> {
  const { url, drop } = await createFrom('template0');
  const database = await openDatabase({ databaseUrl: url, dataDir: '', poolMax: 1, brief: true });
  await database.close();
  return { name: new URL(url).pathname.slice(1), drop };
}

async function createFrom(template: string): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) throw new Error('no PostgreSQL server was started: see test/runner/global-setup.ts');
  const name = `taskgrant_${randomBytes(8).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
