import type { Config } from 'jest';
import { memoryPlace } from './memory-place.ts';
import { createTemplate } from '../support/postgres.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';

declare global {
  var testPostgres: PostgresServer | undefined;
  var testTemplate: Awaited<ReturnType<typeof createTemplate>> | undefined;
}

/** Folders whose suites never open a database; a run of these alone starts no server. */
const WITHOUT_DATABASE = /^(?:.*\/)?test\/(?:domain|config|log|runner)(?:\/|$)/;

/**
 * Has temporary files kept in memory where that can be, unless TMPDIR says where to keep them. Starts one PostgreSQL
 * server for the whole run and hands its address to the workers. A server named by TEST_DATABASE_URL is used instead
 * when there is one; its role must be allowed to create databases.
 */
export default async function setup(
  run: Config & { testPathPatterns: { patterns: string[] } },
): Promise<void> {
  if (process.env['TMPDIR'] === undefined) {
    const place = await memoryPlace();
    if (place !== undefined) process.env['TMPDIR'] = place;
  }
  const { patterns } = run.testPathPatterns;
  if (patterns.length > 0 && patterns.every((pattern) => WITHOUT_DATABASE.test(pattern))) return;
  if (!process.env['TEST_DATABASE_URL']) {
    globalThis.testPostgres = await startPostgres();
    process.env['TEST_DATABASE_URL'] = globalThis.testPostgres.url;
  }
  globalThis.testTemplate = await createTemplate();
  process.env['TEST_DATABASE_TEMPLATE'] = globalThis.testTemplate.name;
}
