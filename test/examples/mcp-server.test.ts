import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { administer } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('an MCP server lets a task call the tools that it was granted', async () => {
  const told = await runReadme('mcp-server', server);
  expect(told).toMatch(/^it offers forecast and set-alarm$/m);
  expect(told).toMatch(/^a call that is hidden in a batch: 400$/m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks?state=completed');
  expect(tasks).toContainEqual(
    expect.objectContaining({ description: 'Plan a picnic', scope: 'weather:read', tools: ['forecast'] }),
  );
}, 30_000);
