import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { administer } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('an Express API lets notes be kept until an administrator ends the task', async () => {
  const told = await runReadme('express-api', server);
  expect(told).toMatch(/^nobody reads: 401$/m);
  expect(told).toMatch(/^a narrower task does not write: 403$/m);
  expect(told).toMatch(/^a token with the task of another: 403$/m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks?state=revoked');
  expect(tasks).toContainEqual(
    expect.objectContaining({ description: 'Keep notes', ended_reason: 'Somebody else keeps the notes' }),
  );
});
