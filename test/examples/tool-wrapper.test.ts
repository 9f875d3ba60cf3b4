import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { administer } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('tools work for a task alone, each with no more than it needs', async () => {
  const told = await runReadme('tool-wrapper', server);
  expect(told).toMatch(/^reading: 200 /m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks');
  const calls = tasks.filter(({ depth }: { depth: number }) => depth === 1);
  expect(calls).toHaveLength(3);
  expect(calls.map(({ scope }: { scope: string }) => scope).sort()).toEqual([
    'notes:read',
    'notes:read',
    'notes:write',
  ]);
}, 30_000);
