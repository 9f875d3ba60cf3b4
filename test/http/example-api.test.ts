import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Agent } from '../../src/domain/agent.ts';
import { createTestHttpApp, type TestHttpApp } from '../support/http-app.ts';
import { ADMIN_AUDIENCE, DEFAULT_AUDIENCE, ISSUER } from '../support/app-context.ts';

const PATH = '/api/oauth/protected';
const METADATA = '/.well-known/oauth-protected-resource';

let app: TestHttpApp;
let agent: Agent;

beforeAll(async () => {
  app = await createTestHttpApp();
  agent = await app.agent();
});
afterAll(() => app.close());

describe('the example API', () => {
  test('tells a stranger where to get a token (S28)', async () => {
    const answer = await app.send('get', PATH);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain(`resource_metadata="${ISSUER}${METADATA}${PATH}"`);
    // Of its three scopes the one that whoever registers itself may have.
    expect(answer.headers['www-authenticate']).toContain('scope="example:read"');
  });

  test.each([METADATA, `${METADATA}${PATH}`])('publishes its metadata at %s (S27)', async (path) => {
    const { body, headers } = await app.send('get', path);
    expect(body).toMatchObject({
      resource: DEFAULT_AUDIENCE,
      authorization_servers: [ISSUER],
      scopes_supported: ['example:read'],
    });
    expect(headers['access-control-allow-origin']).toBe('*');
  });

  test('answers the task of the token, by GET and POST, and records it', async () => {
    const root = await app.open(agent);
    const child = await app.derive(agent, root);
    const headers = {
      'X-Task-ID': child.task.taskId,
      'X-Parent-Task-ID': root.task.taskId,
      'X-Parent-Token-ID': root.access.token.tokenId,
    };
    for (const method of ['get', 'post'] as const) {
      const { body } = await app.send(method, PATH, { token: child.access.value, headers });
      expect(body).toMatchObject({
        client_id: agent.clientId,
        task_id: child.task.taskId,
        scope: 'reports:read',
      });
    }
    const [event] = await app.events('api_access');
    expect(event).toMatchObject({ taskId: child.task.taskId, parentTaskId: root.task.taskId });
  });

  test('needs X-Task-ID', async () => {
    const { access } = await app.open(agent);
    expect((await app.send('get', PATH, { token: access.value })).status).toBe(400);
  });

  test.each(['X-Task-ID', 'X-Parent-Task-ID', 'X-Parent-Token-ID'])('refuses a wrong %s', async (header) => {
    const { access, task } = await app.open(agent);
    app.clock.advance(1);
    const headers = { 'X-Task-ID': task.taskId, [header]: 'something-else' };
    const answer = await app.send('get', PATH, { token: access.value, headers });
    expect([answer.status, answer.body.header]).toEqual([403, header]);
    const [event] = await app.events('task_context_verification');
    expect(event).toMatchObject({ outcome: 'refused', tokenId: access.token.tokenId });
  });

  test('refuses a token for another audience', async () => {
    const admin = await app.store.agents.byId('taskgrant-admin');
    const issued = await app.open(admin!, {}, [ADMIN_AUDIENCE]);
    const headers = { 'X-Task-ID': issued.task.taskId };
    const answer = await app.send('get', PATH, { token: issued.access.value, headers });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
  });

  test('refuses a token as soon as its task is over', async () => {
    const { access, task } = await app.open(agent);
    const headers = { 'X-Task-ID': task.taskId };
    await app.send('post', `/api/tasks/${task.taskId}/revoke`, { token: access.value });
    expect((await app.send('get', PATH, { token: access.value, headers })).status).toBe(401);
  });
});
