import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  administer,
  type AgentParty,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { bearer, type Form, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  clientCredentials,
  delegate,
  derive,
  open,
  type OpenTask,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let api: ResourceServerParty;

beforeAll(async () => {
  server = await startServer({ env: { TASK_MAX_DEPTH: '3', TASK_MAX_CHILDREN: '2' } });
  agent = await registerAgent(server);
  api = await registerResourceServer(server);
});
afterAll(() => server.stop());

const TOO_DEEP = { error: 'invalid_request', task_error: 'max_depth_exceeded' };
const TOO_MANY = { error: 'invalid_request', task_error: 'fanout_exceeded' };

async function child(parent: OpenTask, form: Form = {}) {
  const more = { code_verifier: parent.verifier, ...form };
  return (await tokenExchange(server, parent.agent, parent.token, more)).body;
}

describe('a child that nothing can continue', () => {
  test('ends with its token; one that can be re-issued or refreshed lives on', async () => {
    const root = await open(server, agent);
    const refreshing = await registerAgent(server, {
      grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
    });
    const exchanged = await derive(server, root);
    expect(exchanged.body.task.expires_at * 1000).toBeLessThan(server.clock.now() + 601_000);
    const reissuable = await clientCredentials(server, agent, {
      parent_token: root.token,
      code_verifier: root.verifier,
    });
    expect(reissuable.body.task.expires_at * 1000).toBeGreaterThan(server.clock.now() + 3_000_000);
    const refreshed = await derive(server, await open(server, refreshing));
    expect(refreshed.body.task.expires_at * 1000).toBeGreaterThan(server.clock.now() + 3_000_000);
  });
});

describe('depth', () => {
  test('ends where the server says', async () => {
    let task = await open(server, agent);
    expect(task.body.task.max_depth).toBe(3);
    for (const left of [2, 1, 0]) {
      task = await derive(server, task);
      expect(task.body.task.max_depth).toBe(left);
    }
    expect(await child(task)).toMatchObject(TOO_DEEP);
  });

  test('ends earlier where the task says, and no child gets more levels than are left', async () => {
    const root = await open(server, agent, { max_depth: 2 });
    expect(await child(root, { max_depth: 2 })).toMatchObject(TOO_DEEP);
    const leaf = await derive(server, root, { max_depth: 0 });
    expect(await child(leaf)).toMatchObject(TOO_DEEP);
  });

  test('ends earlier where the agent’s own limit says', async () => {
    const shallow = await registerAgent(server, { limits: { max_depth: 1 } });
    const asked = await clientCredentials(server, shallow, { max_depth: 2, ...pkce().parameters });
    expect(asked.body).toMatchObject(TOO_DEEP);
    const root = await open(server, agent, { delegates: shallow.clientId });
    const below = await delegate(server, root, shallow);
    expect(below.body.task.max_depth).toBe(1);
  });

  test('[S26] nothing that a request says about its place in the tree is believed', async () => {
    const root = await open(server, agent, { depth: 9, root_task_id: 'x', lineage: 'y', act: 'z', sub: 'w' });
    expect(root.body.task).toMatchObject({ depth: 0, root: root.taskId, lineage: [] });
    const claims = JSON.parse(Buffer.from(root.token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ sub: agent.clientId, txn: root.taskId });
    expect(claims).not.toHaveProperty('act');
  });
});

describe('fan-out', () => {
  test('ends where the server says, however the children are asked for', async () => {
    const root = await open(server, agent);
    await derive(server, root);
    await clientCredentials(server, agent, { parent_token: root.token, code_verifier: root.verifier });
    expect(await child(root)).toMatchObject(TOO_MANY);
  });

  test('holds under a rush of parallel requests', async () => {
    const root = await open(server, agent);
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => child(root)));
    expect(answers.filter((body) => body.access_token)).toHaveLength(2);
    for (const body of answers.filter((one) => one.error)) expect(body).toMatchObject(TOO_MANY);
  });

  test('is not spent by requests that are refused', async () => {
    const root = await open(server, agent, { scope: 'reports:read' });
    for (let i = 0; i < 4; i += 1) await child(root, { scope: 'reports:write' });
    expect((await child(root)).access_token).toEqual(expect.any(String));
  });

  test('may be narrowed by the task and the agent, never widened', async () => {
    const asked = await clientCredentials(server, agent, { max_children: 3, ...pkce().parameters });
    expect(asked.body).toMatchObject(TOO_MANY);
    const lonely = await registerAgent(server, { limits: { max_children: 1 } });
    const root = await open(server, lonely);
    await derive(server, root);
    expect(await child(root)).toMatchObject(TOO_MANY);
  });
});

describe('an agent’s ceiling', () => {
  const ask = async (by: AgentParty, form: Form) =>
    clientCredentials(server, by, { ...pkce().parameters, ...form });

  test('[R10] asking for more than the ceiling is refused, asking for nothing gives the default', async () => {
    const { body } = await ask(agent, { scope: 'reports:read admin:read' });
    expect(body).toMatchObject({ error: 'invalid_scope' });
    expect(body).not.toHaveProperty('task_error');
    expect((await ask(agent, {})).body.scope).toBe('reports:read reports:write example:read');
  });

  test('[R10] wildcards are compared part by part', async () => {
    const wide = await registerAgent(server, { permissions: ['reports:*', 'example:read'] });
    expect((await ask(wide, { scope: 'reports:read' })).status).toBe(200);
    expect((await ask(wide, { scope: 'reports:*' })).status).toBe(200);
    for (const scope of ['*:read', '*:*', 'reports:read:all', 'reports:', 'reports', 'reportsx:read']) {
      expect({ scope, ...(await ask(wide, { scope })).body }).toMatchObject({
        scope,
        error: 'invalid_scope',
      });
    }
  });

  test('holds for tools and resources', async () => {
    const code = { error: 'invalid_authorization_details' };
    expect((await ask(agent, { required_tools: 'search delete' })).body).toMatchObject(code);
    expect((await ask(agent, { required_resources: 'q9' })).body).toMatchObject(code);
    expect((await ask(agent, { required_tools: 'search' })).body.granted_tools).toEqual(['search']);
  });

  test('[R1] that was lowered holds for another token of a task that was opened before', async () => {
    const losing = await registerAgent(server);
    const task = await open(server, losing, { resource: [server.defaultAudience, api.audience] });
    await administer(server, 'PUT', `/api/agents/${losing.clientId}`, {
      allowed_tools: ['search'],
      allowed_resources: ['q1'],
      audiences: [api.audience],
    });
    const again = (form: Form) =>
      clientCredentials(server, losing, { task_id: task.taskId, code_verifier: task.verifier, ...form });
    expect((await again({})).body).toMatchObject({
      granted_tools: ['search'],
      granted_resources: ['q1'],
      task: { audiences: [api.audience] },
    });
    for (const lost of [{ required_tools: 'mail' }, { required_resources: 'q2' }]) {
      expect((await again(lost)).body).toMatchObject({ error: 'invalid_authorization_details' });
    }
    expect((await again({ resource: server.defaultAudience })).body).toMatchObject({
      error: 'invalid_target',
    });
  });

  test('[S11] holds for audiences', async () => {
    const tied = await registerAgent(server, { limits: { audiences: [api.audience] } });
    const elsewhere = await ask(tied, { resource: server.defaultAudience });
    expect(elsewhere.body).toMatchObject({ error: 'invalid_target' });
    expect((await ask(tied, { resource: api.audience })).status).toBe(200);
  });

  test('[R13] a token for the server’s own API administers nothing without the rights to it', async () => {
    const { body } = await ask(agent, { resource: server.apiAudience });
    expect(body.scope).toBe('');
    const answer = await send(server, '/api/admin/tokens', { headers: bearer(body.access_token) });
    expect(answer.status).toBe(403);
    const asked = await ask(agent, { resource: server.apiAudience, scope: 'admin:read' });
    expect(asked.body).toMatchObject({ error: 'invalid_scope' });
  });

  test('a delegate gets what both its parent and its own ceiling allow', async () => {
    const narrow = await registerAgent(server, {
      permissions: ['reports:read', 'files:read'],
      allowed_tools: ['mail', 'print'],
    });
    const root = await open(server, agent, {
      delegates: narrow.clientId,
      scope: 'reports:read reports:write',
    });
    const below = await delegate(server, root, narrow);
    expect(below.body).toMatchObject({ scope: 'reports:read', granted_tools: ['mail'] });
  });

  test('[S23] no task outlives its parent, however long a child asks to live', async () => {
    const brief = await open(server, agent, { task_expires_in: 300 });
    const below = await derive(server, brief, { task_expires_in: 86_400 });
    expect(below.body.task.expires_at).toBe(brief.body.task.expires_at);
    expect(below.body.expires_in).toBeLessThanOrEqual(300);
  });

  test('a longer life than allowed is cut to what is allowed', async () => {
    const patient = await registerAgent(server, { limits: { max_task_seconds: 120 } });
    const { body } = await ask(patient, { task_expires_in: 86_400 });
    expect(body.task.expires_at - Date.now() / 1000).toBeLessThanOrEqual(121);
    expect(body.expires_in).toBeLessThanOrEqual(120);
  });
});
