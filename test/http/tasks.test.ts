import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { createTestHttpApp, type TestHttpApp, VERIFIER } from '../support/http-app.ts';

const OTHER_VERIFIER = 'verifier-of-another-process-with-the-same-secret-0';

let app: TestHttpApp;
let agent: Agent;
let other: Agent;

beforeAll(async () => {
  app = await createTestHttpApp();
  agent = await app.agent();
  other = await app.agent();
});
afterAll(() => app.close());

const url = ({ task }: Issued, action = '') => `/api/tasks/${task.taskId}${action}`;

describe('seeing a task', () => {
  test('its own token shows it', async () => {
    const issued = await app.open(agent, { description: 'Summarise' });
    const { body } = await app.send('get', url(issued), { token: issued.access.value });
    expect(body).toMatchObject({ description: 'Summarise', state: 'active', depth: 0, verifier_bound: true });
  });

  test('an ancestor sees what is below, in tree order and in pages; a child does not look up', async () => {
    const root = await app.open(agent, { maxDepth: 3 });
    const child = await app.derive(agent, root);
    const grandchild = await app.derive(agent, child);
    const token = root.access.value;
    expect((await app.send('get', url(grandchild), { token })).status).toBe(200);
    const first = await app.send('get', `${url(root, '/tree')}?limit=2`, { token });
    const rest = await app.send('get', `${url(root, '/tree')}?limit=2&cursor=${first.body.next_cursor}`, {
      token,
    });
    const ids = [...first.body.tasks, ...rest.body.tasks].map((task: { task_id: string }) => task.task_id);
    expect(ids).toEqual([root, child, grandchild].map(({ task }) => task.taskId));
    expect((await app.send('get', url(root), { token: child.access.value })).status).toBe(404);
  });

  test('another agent’s task looks exactly like one that does not exist', async () => {
    const issued = await app.open(agent);
    const { access } = await app.open(other);
    const [foreign, unknown] = await Promise.all(
      [url(issued), '/api/tasks/no-such-task'].map((path) => app.send('get', path, { token: access.value })),
    );
    const shown = ({ status, body }: { status: number; body: Record<string, unknown> }) => {
      const { request_id: _, ...rest } = body;
      return { status, rest };
    };
    expect(shown(foreign!)).toEqual(shown(unknown!));
    expect(foreign?.status).toBe(404);
  });

  test('refresh and hand-off tokens show nothing', async () => {
    const issued = await app.open(agent);
    const handedOff = await app.handOffTo(
      other,
      agent,
      await app.open(agent, { delegates: [other.clientId] }),
    );
    for (const token of [issued.refresh!.value, handedOff]) {
      expect((await app.send('get', url(issued), { token })).status).toBe(401);
    }
  });
});

describe('completing and failing a task (R7)', () => {
  test('needs the verifier of the process that started it', async () => {
    const issued = await app.open(agent);
    const token = issued.access.value;
    const without = await app.send('post', url(issued, '/complete'), { token, body: {} });
    expect([without.status, without.body.code]).toEqual([403, 'verifier_mismatch']);
    const wrong = await app.send('post', url(issued, '/complete'), {
      token,
      body: { code_verifier: OTHER_VERIFIER },
    });
    expect(wrong.body.code).toBe('verifier_mismatch');
    const right = await app.send('post', url(issued, '/complete'), {
      token,
      body: { code_verifier: VERIFIER, reason: 'done' },
    });
    expect(right.body).toMatchObject({ task_id: issued.task.taskId, state: 'completed' });
    expect((await app.send('get', url(issued), { token })).body.detail).toMatch(/revoked|ended/);
  });

  test('ends the whole subtree', async () => {
    const root = await app.open(agent);
    const child = await app.derive(agent, root);
    const answer = await app.send('post', url(root, '/fail'), {
      token: root.access.value,
      form: `code_verifier=${VERIFIER}`,
    });
    expect(answer.body).toMatchObject({ state: 'failed', affected_child_tokens: 2 });
    expect((await app.send('get', url(child), { token: child.access.value })).status).toBe(401);
  });

  test('an ancestor may revoke, not complete', async () => {
    const root = await app.open(agent);
    const child = await app.derive(agent, root);
    const answer = await app.send('post', url(child, '/complete'), {
      token: root.access.value,
      body: { code_verifier: VERIFIER },
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
  });

  test('a code-flow task needs no verifier: it is bound to the person’s authorization', async () => {
    const issued = await app.open(agent);
    const task = {
      ...issued.task,
      handle: 'code-task',
      taskId: 'code-task',
      origin: 'authorization_code' as const,
    };
    const tokenId = 'token-of-the-code-task';
    const value = app.context.ids.secret();
    const digest = app.context.digests.sha256(value);
    const token = { ...issued.access.token, tokenId, digest, format: 'opaque' as const };
    await app.store.commit({
      id: app.context.ids.next(),
      guards: [],
      changes: [
        { do: 'insert_task', task, miss: new Error('taken') as never },
        { do: 'insert_token', token: { ...token, taskHandle: task.handle, taskId: task.taskId } },
      ],
      events: [],
    });
    const answer = await app.send('post', '/api/tasks/code-task/complete', { token: value, body: {} });
    expect(answer.body.state).toBe('completed');
  });

  test('an administrator never needs one, but needs the right to change', async () => {
    const issued = await app.open(agent);
    const reader = await app.adminToken('admin:read');
    expect((await app.send('post', url(issued, '/fail'), { token: reader, body: {} })).body.code).toBe(
      'insufficient_scope',
    );
    const token = await app.adminToken();
    const failed = await app.send('post', url(issued, '/fail'), { token, body: { reason: 'stuck' } });
    expect(failed.body.state).toBe('failed');
    const again = await app.send('post', url(issued, '/complete'), { token, body: {} });
    expect([again.status, again.body.code]).toEqual([409, 'task_not_active']);
    const seen = await app.send('get', url(issued), { token: reader });
    expect(seen.body).toMatchObject({ state: 'failed', ended_reason: 'stuck' });
  });
});

describe('revoking a task', () => {
  test('needs no verifier; a reason is kept, and a second time does no harm', async () => {
    const root = await app.open(agent);
    const child = await app.derive(agent, root);
    const answer = await app.send('post', url(child, '/revoke'), {
      token: root.access.value,
      body: { reason: 'out of budget' },
    });
    expect(answer.body.state).toBe('revoked');
    const [event] = await app.events('task_revoked');
    expect(event).toMatchObject({
      taskId: child.task.taskId,
      reason: 'out of budget',
      actor: agent.clientId,
    });
    expect((await app.send('post', url(child, '/revoke'), { token: root.access.value })).status).toBe(200);
  });

  test('another agent cannot', async () => {
    const issued = await app.open(agent);
    const { access } = await app.open(other);
    expect((await app.send('post', url(issued, '/revoke'), { token: access.value })).status).toBe(404);
    expect((await app.send('get', url(issued), { token: issued.access.value })).status).toBe(200);
  });

  test('control characters in a reason are refused', async () => {
    const issued = await app.open(agent);
    const answer = await app.send('post', url(issued, '/revoke'), {
      token: issued.access.value,
      body: { reason: 'a\u202eb\n' },
    });
    expect([answer.status, answer.body.faults[0].path]).toEqual([400, 'reason']);
  });
});
