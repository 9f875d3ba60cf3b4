import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Agent } from '../../src/domain/agent.ts';
import { createTestHttpApp, type TestHttpApp } from '../support/http-app.ts';
import { ADMIN_AUDIENCE, DEFAULT_AUDIENCE } from '../support/app-context.ts';

let app: TestHttpApp;
let agent: Agent;

beforeAll(async () => {
  app = await createTestHttpApp();
  agent = await app.agent();
});
afterAll(() => app.close());

describe('who may administer', () => {
  const path = '/api/admin/tokens';

  test('nobody without a token: the challenge names the scope', async () => {
    const answer = await app.send('get', path);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer scope="admin:read"');
  });

  test.each([['not-a-token'], ['eyJhbGciOiJub25lIn0.e30.'], ['a'.repeat(3000)]])(
    'nobody with a made-up token',
    async (token) => {
      const answer = await app.send('get', path, { token });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    },
  );

  test('no token for another audience, whatever its scope', async () => {
    const { access } = await app.open(await app.agent({ permissions: ['*:*'] }), { scope: ['example:read'] });
    const answer = await app.send('get', path, { token: access.value });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
    expect(access.token.audience).toBe(DEFAULT_AUDIENCE);
  });

  test('no public id of a token', async () => {
    const { access } = await app.open(agent);
    expect((await app.send('get', path, { token: access.token.tokenId })).status).toBe(401);
  });

  test('reading does not include writing', async () => {
    const token = await app.adminToken('admin:read');
    const { access } = await app.open(agent);
    const answer = await app.send('post', `${path}/${access.token.tokenId}/revoke`, { token, body: {} });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
    expect(answer.headers['www-authenticate']).toContain('scope="admin:write"');
  });

  test('not with a refresh or hand-off token', async () => {
    const admin = await app.store.agents.byId('taskgrant-admin');
    const issued = await app.open(admin!, {}, [ADMIN_AUDIENCE]);
    const answer = await app.send('get', path, { token: issued.refresh!.value });
    expect(answer.body.detail).toBe('only access tokens are accepted here');
  });

  test('not with an expired or revoked token', async () => {
    const token = await app.adminToken('admin:read');
    app.clock.advance(601);
    expect((await app.send('get', path, { token })).body.detail).toBe('the access token has expired');
  });

  test('every refusal is in the audit trail, with its reason and without the token', async () => {
    await app.send('get', path, { token: 'made-up-value', headers: { 'X-Request-ID': 'refused-1' } });
    const event = (await app.events('request_refused')).find(({ requestId }) => requestId === 'refused-1');
    expect(event).toMatchObject({ outcome: 'refused', actor: null, reason: 'invalid_token' });
    expect(JSON.stringify(event)).not.toContain('made-up-value');
  });

  test('the audit trail tells a revoked token that is still used from one that has expired', async () => {
    const revoked = await app.open(agent, {}, [ADMIN_AUDIENCE]);
    const expired = await app.open(agent, {}, [ADMIN_AUDIENCE]);
    const { tokenId } = revoked.access.token;
    await app.send('post', `/api/admin/tokens/${tokenId}/revoke`, { token: await app.adminToken() });
    await app.send('get', path, { token: revoked.access.value });
    app.clock.advance(601);
    await app.send('get', path, { token: expired.access.value });
    const events = await app.events('request_refused');
    const why = (id: string) => events.find((event) => event.tokenId === id)?.details['why'];
    expect(why(tokenId)).toBe('the access token was revoked');
    expect(why(expired.access.token.tokenId)).toBe('the access token has expired');
  });

  test('a key-bound token needs the proof of its key', async () => {
    const issued = await app.open(agent, { keyThumbprint: 'thumbprint-of-a-key' });
    const answer = await app.send('get', `/api/tasks/${issued.task.taskId}`, { token: issued.access.value });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP /);
    expect(answer.body.detail).toContain('proof of that key');
  });
});

describe('tokens', () => {
  test('are listed in pages, newest first, with what they may do', async () => {
    const token = await app.adminToken();
    const issued = await app.open(agent, { description: 'Read <b>reports</b>' });
    const first = await app.send('get', '/api/admin/tokens?limit=1', { token });
    expect(first.body.tokens).toHaveLength(1);
    const second = await app.send('get', `/api/admin/tokens?limit=1&cursor=${first.body.next_cursor}`, {
      token,
    });
    expect(second.body.tokens[0].token_id).not.toBe(first.body.tokens[0].token_id);
    const own = await app.send('get', `/api/admin/tokens/${issued.access.token.tokenId}`, { token });
    expect(own.body).toMatchObject({
      client_id: agent.clientId,
      task_id: issued.task.taskId,
      task_description: 'Read <b>reports</b>',
      scope: 'reports:read',
      is_valid: true,
      is_revoked: false,
      issued_at: new Date(issued.access.token.issuedAt).toISOString(),
    });
    expect(own.text).not.toContain(issued.access.value);
  });

  test('are revoked by everything they depend on, at once', async () => {
    const token = await app.adminToken();
    const parent = await app.open(agent, { maxDepth: 3 });
    const child = await app.derive(agent, parent);
    const grandchild = await app.derive(agent, child);
    const answer = await app.send('post', `/api/admin/tokens/${parent.access.token.tokenId}/revoke`, {
      token,
      body: { reason: 'leaked' },
    });
    expect(answer.body).toMatchObject({ revoked: true, affected_child_tokens: 4, affected_truncated: false });
    const row = await app.send('get', `/api/admin/tokens/${grandchild.access.token.tokenId}`, { token });
    expect(row.body).toMatchObject({ is_valid: false, is_revoked: true, revoked_through: 'token' });
    const found = await app.send(
      'get',
      `/api/admin/tokens/search?task_id=${grandchild.task.taskId}&is_revoked=true`,
      { token },
    );
    expect(found.body.tokens).toHaveLength(2);
    const valid = await app.send(
      'get',
      `/api/admin/tokens/search?task_id=${child.task.taskId}&is_valid=true`,
      {
        token,
      },
    );
    expect(valid.body.tokens).toEqual([]);
  });

  test('revoke_children=false ends that token only', async () => {
    const token = await app.adminToken();
    const parent = await app.open(agent);
    const child = await app.derive(agent, parent);
    await app.send('post', `/api/admin/tokens/${parent.access.token.tokenId}/revoke`, {
      token,
      form: 'revoke_children=false&reason=rotated',
    });
    const rows = await Promise.all(
      [parent, child].map(({ access }) =>
        app.send('get', `/api/admin/tokens/${access.token.tokenId}`, { token }),
      ),
    );
    expect(rows.map((row) => row.body.is_valid)).toEqual([false, true]);
    expect(rows[0]?.body.revocation_reason).toBe('rotated');
  });

  test('an unknown id is 404, a wrong filter 400', async () => {
    const token = await app.adminToken();
    expect((await app.send('get', '/api/admin/tokens/nobody', { token })).status).toBe(404);
    expect((await app.send('get', '/api/admin/tokens/search?is_valid=perhaps', { token })).status).toBe(400);
    expect((await app.send('get', '/api/admin/tokens?limit=0', { token })).status).toBe(400);
    expect((await app.send('get', '/api/admin/tokens?cursor=made-up', { token })).status).toBe(400);
  });
});

describe('the audit log', () => {
  test('is searched by clients that are named by a URL', async () => {
    const named = await app.agent({ clientId: 'https://app.example/client.json' });
    await app.open(named);
    const found = await app.send(
      'get',
      `/api/admin/audit/logs?client_id=${encodeURIComponent(named.clientId)}&event_type=token_issued`,
      { token: await app.adminToken() },
    );
    expect(found.body.logs).toHaveLength(1);
  });

  test('is searched by client, type, outcome and time', async () => {
    const token = await app.adminToken();
    const someone = await app.agent();
    await app.open(someone);
    const from = encodeURIComponent(new Date(app.clock.now() - 1000).toISOString());
    const found = await app.send(
      'get',
      `/api/admin/audit/logs?client_id=${someone.clientId}&event_type=token_issued&status=success&from=${from}`,
      { token },
    );
    expect(found.body.logs).toHaveLength(1);
    expect(found.body.logs[0]).toMatchObject({ actor: someone.clientId, source_ip: '192.0.2.7' });
    const before = await app.send('get', `/api/admin/audit/logs?client_id=${someone.clientId}&to=${from}`, {
      token,
    });
    expect(before.body.logs).toEqual([]);
    expect((await app.send('get', '/api/admin/audit/logs?event_type=magic', { token })).status).toBe(400);
    expect((await app.send('get', '/api/admin/audit/logs?from=yesterday', { token })).status).toBe(400);
  });

  test('tells the history of a task oldest first', async () => {
    const token = await app.adminToken();
    const issued = await app.open(agent);
    app.clock.advance(1);
    await app.send('post', `/api/tasks/${issued.task.taskId}/revoke`, { token, body: { reason: 'enough' } });
    const { body } = await app.send('get', `/api/admin/audit/task/${issued.task.taskId}`, { token });
    const types = body.history.map((event: { event_type: string }) => event.event_type);
    expect(types).toEqual(['task_opened', 'token_issued', 'task_revoked']);
    expect(body.history[2]).toMatchObject({ reason: 'enough', actor: 'taskgrant-admin' });
  });

  test('shows a chain from its true root, each edge’s scope and the refused widenings', async () => {
    const token = await app.adminToken();
    const root = await app.open(agent, { scope: ['reports:read', 'reports:write'], maxDepth: 3 });
    const child = await app.derive(agent, root, { scope: ['reports:read'] });
    const leaf = await app.derive(agent, child);
    app.refusals.record(
      { actor: agent.clientId, origin: null },
      {
        type: 'token_refused',
        clientId: agent.clientId,
        taskId: child.task.taskId,
        reason: 'not_subset',
        details: { task_error: 'not_subset', refused: ['reports:write'] },
      },
    );
    await app.refusals.flush();
    const middle = await app.send('get', `/api/admin/audit/task-chain/${child.task.taskId}`, { token });
    expect(middle.body.root_task_id).toBe(root.task.taskId);
    expect(middle.body.task_chain).toEqual([root.task.taskId, child.task.taskId, leaf.task.taskId]);
    const [first, second] = middle.body.task_details;
    expect(first).toMatchObject({ scope_before: null, scope_after: 'reports:read reports:write' });
    expect(second).toMatchObject({
      scope_before: 'reports:read reports:write',
      scope_after: 'reports:read',
      via_token_id: root.access.token.tokenId,
      client_id: agent.clientId,
      state: 'active',
      refused_widenings: [{ details: { refused: ['reports:write'] } }],
    });
    const bottom = await app.send('get', `/api/admin/audit/task-chain/${leaf.task.taskId}`, { token });
    expect(bottom.body.task_chain).toEqual(middle.body.task_chain);
    expect((await app.send('get', '/api/admin/audit/task-chain/nothing', { token })).status).toBe(404);
  });

  test('shows a refused widening, however much else was refused afterwards', async () => {
    const token = await app.adminToken();
    const { clientId } = agent;
    const { taskId } = (await app.open(agent)).task;
    const refuse = (error: string) =>
      app.refusals.record(
        { actor: clientId, origin: null },
        { type: 'token_refused', clientId, taskId, reason: error, details: { task_error: error } },
      );
    refuse('not_subset');
    await app.refusals.flush();
    app.clock.advance(1);
    for (let i = 0; i < 200; i += 1) refuse('verifier_mismatch');
    await app.refusals.flush();
    const { body } = await app.send('get', `/api/admin/audit/task-chain/${taskId}`, { token });
    expect(body.task_details[0].refused_widenings).toMatchObject([{ reason: 'not_subset' }]);
  });
});

describe('tasks and numbers', () => {
  test('tasks are found by agent and by the state that counts', async () => {
    const token = await app.adminToken();
    const someone = await app.agent();
    const root = await app.open(someone);
    const child = await app.derive(someone, root);
    await app.send('post', `/api/tasks/${root.task.taskId}/revoke`, { token, body: {} });
    const revoked = await app.send('get', `/api/admin/tasks?client_id=${someone.clientId}&state=revoked`, {
      token,
    });
    const ids = revoked.body.tasks.map((task: { task_id: string }) => task.task_id);
    expect(new Set(ids)).toEqual(new Set([root.task.taskId, child.task.taskId]));
    const active = await app.send('get', `/api/admin/tasks?client_id=${someone.clientId}&state=active`, {
      token,
    });
    expect(active.body.tasks).toEqual([]);
  });

  test('the dashboard counts', async () => {
    const { body } = await app.send('get', '/api/admin/stats/dashboard', { token: await app.adminToken() });
    expect(body.agents.active).toBeGreaterThan(1);
    expect(body.revocations).toBeGreaterThan(0);
  });
});
