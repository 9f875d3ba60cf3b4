import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials, derive, open, tokenExchange } from '../support/token-requests.ts';

/** Cause (agentictrust): scope was compared by any match or not at all, and neither life nor depth had a limit. */
let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { permissions: ['reports:read', 'example:read'] });
});
afterAll(() => server.stop());

describe('the scope of a root task', () => {
  test.each(['admin:write', 'files:read', '*:*', 'reports:*', '*', 'reports:read files:read'])(
    'could be %s for any client: now an agent gets what it may hold',
    async (scope) => {
      const { status, body } = await clientCredentials(server, agent, { scope, ...pkce().parameters });
      expect([status, body.error]).toEqual([400, 'invalid_scope']);
    },
  );
});

describe('the scope of a child', () => {
  test('was granted whole when one right of it matched: now every right must be covered', async () => {
    const wide = await registerAgent(server, { permissions: ['reports:*', 'files:read', 'example:read'] });
    const parent = await open(server, wide, { scope: 'reports:read' });
    for (const scope of ['reports:read reports:write', 'reports:read files:read', 'reports:*', '*:read']) {
      const answer = await tokenExchange(server, wide, parent.token, {
        scope,
        code_verifier: parent.verifier,
      });
      expect(answer.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    }
    const child = await derive(server, parent, { scope: 'reports:read' });
    expect(child.body.scope).toBe('reports:read');
  });
});

describe('the life of a child', () => {
  test('went on after its parent: now it ends with it at the latest', async () => {
    const parent = await open(server, agent, { task_expires_in: 120 });
    server.clock.advance(60);
    const child = await derive(server, parent, { task_expires_in: 86_400 });
    const grandchild = await derive(server, child, { task_expires_in: 86_400 });
    for (const { body } of [child, grandchild]) {
      expect(body.task.expires_at).toBeLessThanOrEqual(parent.body.task.expires_at);
      expect(body.expires_in).toBeLessThanOrEqual(60);
    }
  });
});

describe('the depth of a tree', () => {
  test('had no limit: now it ends where the server says', async () => {
    let task = await open(server, agent);
    const allowed = task.body.task.max_depth;
    expect(allowed).toBeLessThanOrEqual(16);
    for (let level = 0; level < allowed; level += 1) task = await derive(server, task);
    const { body } = await tokenExchange(server, agent, task.token, { code_verifier: task.verifier });
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'max_depth_exceeded' });
  });
});
