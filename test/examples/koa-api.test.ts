import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { administer } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('a Koa API lets nobody in without a proof of the key, nor without the tool', async () => {
  const told = await runReadme('koa-api', server);
  expect(told).toMatch(/^a bearer token: 401$/m);
  expect(told).toMatch(/^the tool that was granted: 200$/m);
  expect(told).toMatch(/^the token without a proof: 401$/m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks?state=completed');
  expect(tasks).toContainEqual(
    expect.objectContaining({ description: 'Send the report of today', key_bound: true, tools: ['export'] }),
  );
});
