import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { basic, bearer, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ALIVE,
  auditEvents,
  clientCredentials,
  DEAD,
  derive,
  introspect,
  liveness,
  open,
  type OpenTask,
  revoke,
} from '../support/token-requests.ts';

/** Cause (agentictrust): revoking reached direct children only, and neither it nor introspection nor the administration asked who calls. */
let server: TestServer;
let agent: AgentParty;
let stranger: AgentParty;
let api: ResourceServerParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
  stranger = await registerAgent(server);
  api = await registerResourceServer(server);
});
afterAll(() => server.stop());

async function branch(levels: number): Promise<readonly OpenTask[]> {
  const tasks = [await open(server, agent)];
  for (let level = 1; level < levels; level += 1) tasks.push(await derive(server, tasks.at(-1) as OpenTask));
  return tasks;
}

describe('revoking a token', () => {
  test('reached its direct children only: now everything below it ends', async () => {
    const tasks = await branch(5);
    const { body } = await revoke(server, agent, tasks[0]?.token ?? '');
    expect(body).toMatchObject({ revoked: true, affected_child_tokens: 4, affected_truncated: false });
    for (const task of tasks) expect(await liveness(server, task)).toEqual(DEAD);
  });

  test('ended the children although revoke_children was false: now it spares them', async () => {
    const [first, ...below] = (await branch(3)) as [OpenTask, ...OpenTask[]];
    const { body } = await revoke(server, agent, first.token, { revoke_children: 'false' });
    expect(body).toMatchObject({ revoked: true, affected_child_tokens: 0 });
    expect(await liveness(server, first)).toEqual(DEAD);
    for (const task of below) expect(await liveness(server, task)).toEqual(ALIVE);
  });

  test('was open to anyone: now the caller is authenticated, and ends nothing of another’s', async () => {
    const task = await open(server, agent);
    const anonymous = await postForm(server, '/api/oauth/revoke', { token: task.token });
    expect(anonymous.status).toBeGreaterThanOrEqual(400);
    const wrongSecret = await postForm(
      server,
      '/api/oauth/revoke',
      { token: task.token },
      basic(agent.clientId, 'x'),
    );
    expect([wrongSecret.status, wrongSecret.body.error]).toEqual([401, 'invalid_client']);
    for (const caller of [stranger, api]) await revoke(server, caller, task.token);
    expect(await liveness(server, task)).toEqual(ALIVE);
  });
});

describe('introspecting a token', () => {
  test('was open to anyone: now the caller is authenticated, and sees what concerns it', async () => {
    const task = await open(server, agent);
    for (const path of ['/api/oauth/introspect', '/api/oauth/verify']) {
      const anonymous = await postForm(server, path, { token: task.token });
      expect(anonymous.status).toBeGreaterThanOrEqual(400);
      expect(anonymous.text).not.toContain(task.taskId);
      const wrongSecret = await postForm(server, path, { token: task.token }, basic(agent.clientId, 'x'));
      expect([wrongSecret.status, wrongSecret.body.error]).toEqual([401, 'invalid_client']);
      // A token is no credential here, not even its own.
      const withToken = await postForm(server, path, { token: task.token }, bearer(task.token));
      expect(withToken.status).toBeGreaterThanOrEqual(400);
    }
    for (const caller of [stranger, api])
      expect(await introspect(server, caller, task.token)).toEqual({ active: false });
  });
});

describe('the administration', () => {
  const PATHS = [
    ['GET', '/api/admin/tokens'],
    ['GET', '/api/admin/tokens/search'],
    ['GET', '/api/admin/tokens/some-token'],
    ['POST', '/api/admin/tokens/some-token/revoke'],
    ['GET', '/api/admin/tasks'],
    ['GET', '/api/admin/audit/logs'],
    ['GET', '/api/admin/audit/task/some-task'],
    ['GET', '/api/admin/audit/task-chain/some-task'],
    ['GET', '/api/admin/stats/dashboard'],
    ['GET', '/api/admin/users'],
    ['GET', '/api/admin/resource-servers'],
    ['GET', '/api/agents/list'],
  ] as const;

  test.each(PATHS)(
    '%s %s asked nobody who they are: now it needs an administrator’s token',
    async (method, path) => {
      const task = await open(server, agent);
      for (const headers of [{}, bearer(task.token), bearer(task.tokenId), agent.headers]) {
        const { status, headers: sent } = await send(server, path, { method, headers });
        expect(status).toBe(401);
        expect(sent.get('www-authenticate')).toMatch(/^(Bearer|DPoP)/);
      }
    },
  );
});

describe('a failed client authentication', () => {
  test('was not audited: now it is, at every endpoint that authenticates clients', async () => {
    // Beyond some refusals of one source in a minute only their number is kept; this is another minute.
    server.clock.advance(61);
    const marker = await registerAgent(server);
    const headers = basic(marker.clientId, 'not-the-secret');
    await clientCredentials(server, { ...marker, headers });
    for (const path of ['/api/oauth/introspect', '/api/oauth/revoke', '/api/oauth/par'])
      await postForm(server, path, { token: 'x' }, headers);
    const events = await auditEvents(
      server,
      { event_type: 'client_authentication_failed', client_id: marker.clientId },
      4,
    );
    expect(events).toHaveLength(4);
    for (const event of events) {
      expect(event).toMatchObject({ status: 'refused', client_id: marker.clientId });
      expect(event.source_ip).toBeTruthy();
    }
    expect(JSON.stringify(events)).not.toContain('not-the-secret');
  });
});
