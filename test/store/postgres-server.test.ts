import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

describe('the PostgreSQL server of the tests', () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await createDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  test('commits durably, as a server in production does', async () => {
    expect(await setting('fsync')).toBe('on');
    expect(await setting('synchronous_commit')).toBe('on');
    expect(await setting('full_page_writes')).toBe('on');
    expect(await setting('max_connections')).toBe('200');
  });

  test('gives each suite a database of its own', async () => {
    const other = await createDatabase();
    await client.query('CREATE TABLE mine (id int)');
    const neighbour = new pg.Client({ connectionString: other.url });
    await neighbour.connect();
    await expect(neighbour.query('SELECT * FROM mine')).rejects.toMatchObject({ code: '42P01' });
    await neighbour.end();
    await other.drop();
  });

  test('drops a database that is still in use', async () => {
    const doomed = await createDatabase();
    const straggler = new pg.Client({ connectionString: doomed.url });
    straggler.on('error', () => {});
    await straggler.connect();
    await doomed.drop();
    await expect(straggler.query('SELECT 1')).rejects.toThrow();
  });

  async function setting(name: string): Promise<unknown> {
    const { rows } = await client.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
    return rows[0]?.value;
  }
});
