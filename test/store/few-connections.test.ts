import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { isUnavailable } from '../../src/store/unavailability.ts';
import { type Place, postgresPlace } from './databases.ts';

/** PostgreSQL: too_many_connections. */
const TOO_MANY = '53300';

describe('a PostgreSQL server that has room for fewer connections than the pool', () => {
  const role = `taskgrant_${randomBytes(8).toString('hex')}`;
  let place: Place;
  let administrator: pg.Client;
  let database: Database;

  beforeAll(async () => {
    place = await postgresPlace('nothing');
    const url = new URL(place.settings.databaseUrl ?? '');
    administrator = new pg.Client({ connectionString: url.href });
    await administrator.connect();
    await administrator.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 2 PASSWORD '${role}'`);
    await administrator.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${role}`);
    url.username = role;
    url.password = role;
    database = await openDatabase({ ...place.settings, databaseUrl: url.href });
  });
  afterAll(async () => {
    await database?.close();
    await administrator.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
    await administrator.query(`DROP OWNED BY ${role}`);
    await administrator.query(`DROP ROLE ${role}`);
    await administrator.end();
    await place.remove();
  });

  test('requests wait for one of those that there are', async () => {
    const asked = Array.from({ length: 24 }, () => database.knex.raw('SELECT pg_sleep(0.02)'));
    const failed = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(failed).toEqual([]);
  });

  test('a request fails soon when there is none', async () => {
    await administrator.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    const end = 'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1';
    await administrator.query(end, [role]);
    const ask = () => database.knex.raw('SELECT 1').catch((error: unknown) => error);
    let failure = await ask();
    // The connections that were ended say so once.
    while ((failure as { code?: unknown }).code === '57P01') failure = await ask();
    expect(failure).toMatchObject({ code: TOO_MANY });
    expect(isUnavailable(failure)).toBe(true);
  });
});
