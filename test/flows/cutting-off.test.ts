import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, type AgentParty, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { postForm, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ALIVE,
  auditEvents,
  clientCredentials,
  DEAD,
  delegate,
  derive,
  introspect,
  liveness,
  open,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let stranger: AgentParty;

beforeAll(async () => {
  server = await startServer();
  const over = { grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE] };
  agent = await registerAgent(server, over);
  helper = await registerAgent(server, over);
  stranger = await registerAgent(server);
});
afterAll(() => server.stop());

const change = (clientId: string, to: string) =>
  administer(server, 'POST', `/api/agents/${clientId}/${to}`, { reason: 'under review' });

describe('[R4] suspending an agent', () => {
  test('ends its tokens and everything derived through it; reinstating revives none of them', async () => {
    const root = await open(server, agent, { delegates: helper.clientId });
    const own = await derive(server, root);
    const below = await delegate(server, root, helper, {});
    const deeper = await derive(server, below);
    await change(helper.clientId, 'suspend');
    for (const each of [below, deeper]) expect(await liveness(server, each)).toEqual(DEAD);
    for (const each of [root, own]) expect(await liveness(server, each)).toEqual(ALIVE);

    await change(helper.clientId, 'reactivate');
    for (const each of [below, deeper]) expect(await liveness(server, each)).toEqual(DEAD);
    const refreshed = await requestToken(server, helper, {
      grant_type: 'refresh_token',
      refresh_token: below.body.refresh_token,
      code_verifier: below.verifier,
    });
    expect(refreshed.body).toMatchObject({ error: 'invalid_grant' });
    expect(await liveness(server, await delegate(server, root, helper))).toEqual(ALIVE);
  });

  test('[R11] it is told that it is not active, which is not a failed authentication', async () => {
    const fellow = await registerAgent(server);
    await change(fellow.clientId, 'suspend');
    const asked = await clientCredentials(server, fellow, pkce().parameters);
    expect(asked).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client', task_error: 'agent_not_active' },
    });
    const introspected = await postForm(server, '/api/oauth/introspect', { token: 'x' }, fellow.headers);
    expect(introspected).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  test('[R11] so is a pending agent, until it is activated', async () => {
    const { credentials } = await administer(server, 'POST', '/api/agents/register', {
      agent_name: 'Newcomer',
      permissions: ['reports:read'],
    });
    const { client_id: clientId, client_secret: clientSecret } = credentials;
    const headers = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` };
    const pending = { clientId, clientSecret, headers };
    const asked = await clientCredentials(server, pending, pkce().parameters);
    expect(asked.body).toMatchObject({ error: 'unauthorized_client', task_error: 'agent_not_active' });
    const activation = { registration_token: credentials.registration_token };
    expect((await postJson(server, '/api/agents/activate', activation)).status).toBe(200);
    expect((await clientCredentials(server, pending, pkce().parameters)).status).toBe(200);
    expect((await postJson(server, '/api/agents/activate', activation)).status).toBe(409);
  });

  test('deleting one ends everything as well, and its history stays', async () => {
    const leaving = await registerAgent(server);
    const root = await open(server, agent, { delegates: leaving.clientId });
    const below = await delegate(server, root, leaving);
    await administer(server, 'DELETE', `/api/agents/${leaving.clientId}`);
    expect(await liveness(server, below)).toEqual(DEAD);
    expect(await liveness(server, root)).toEqual(ALIVE);
    const asked = await clientCredentials(server, leaving, pkce().parameters);
    expect(asked).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    const chain = await asAdmin(server, 'GET', `/api/admin/audit/task-chain/${below.taskId}`);
    expect(chain.body.task_chain).toEqual([root.taskId, below.taskId]);
    const issued = await auditEvents(server, { client_id: leaving.clientId, event_type: 'token_exchanged' });
    expect(issued).toHaveLength(1);
  });
});

describe('revoking a token', () => {
  test('[S19] answers 200 for anything, and ends nothing of another’s', async () => {
    const task = await open(server, agent);
    for (const token of [task.token, 'unknown', 'a.b.c', task.tokenId]) {
      const { status, body } = await revoke(server, stranger, token);
      expect({ status, body }).toEqual({ status: 200, body: { revoked: false } });
    }
    expect(await liveness(server, task)).toEqual(ALIVE);
  });

  test('[S19] is open to the client, its ancestors’ clients and administrators', async () => {
    const root = await open(server, agent, { delegates: helper.clientId });
    const below = await delegate(server, root, helper);
    const { body } = await revoke(server, agent, below.token);
    expect(body).toMatchObject({ revoked: true, token_id: below.tokenId });
    const upwards = await revoke(server, helper, root.token);
    expect(upwards.body).toEqual({ revoked: false });
    expect(await liveness(server, root)).toEqual(ALIVE);
  });

  test('[R2] with revoke_children=false ends that token and spares what was derived through it', async () => {
    const root = await open(server, agent);
    const below = await derive(server, root);
    const { body } = await revoke(server, agent, root.token, { revoke_children: 'false' });
    expect(body).toMatchObject({ revoked: true, affected_child_tokens: 0 });
    expect(await liveness(server, root)).toEqual(DEAD);
    expect(await liveness(server, below)).toEqual(ALIVE);
  });

  test('[R2] an expired token can still be revoked, with effect on what lives longer', async () => {
    const root = await open(server, agent);
    server.clock.advance(590);
    const below = await derive(server, root);
    server.clock.advance(30);
    expect(await introspect(server, agent, root.token)).toEqual({ active: false });
    expect((await introspect(server, agent, below.token)).active).toBe(true);
    expect((await revoke(server, agent, root.token)).body).toMatchObject({ revoked: true });
    expect(await liveness(server, below)).toEqual(DEAD);
  });

  test('says how many it took with it, in JSON as well', async () => {
    const root = await open(server, agent);
    await derive(server, await derive(server, root));
    const { body } = await postJson(
      server,
      '/api/oauth/revoke',
      { token: root.token, reason: 'wrong turn', revoke_children: true },
      agent.headers,
    );
    expect(body).toMatchObject({ revoked: true, affected_child_tokens: 4, affected_truncated: false });
    const row = await asAdmin(server, 'GET', `/api/admin/tokens/${root.tokenId}`);
    expect(row.body).toMatchObject({ is_revoked: true, revocation_reason: 'wrong turn' });
  });

  test.each([
    ['a line break', 'ended\nby an administrator'],
    ['a NUL', 'ended\u0000'],
    ['an escape of terminals', 'ended \u001b[2J'],
    ['a line separator', 'ended\u2028by'],
    ['text that reads backwards', 'ended \u202eyb'],
    ['more than people read', 'x'.repeat(501)],
  ])('takes no reason with %s, at either endpoint', async (_, reason) => {
    const task = await open(server, agent);
    const refused = await revoke(server, agent, task.token, { reason });
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const path = `/api/admin/tokens/${task.tokenId}/revoke`;
    expect((await asAdmin(server, 'POST', path, { reason })).status).toBe(400);
    expect(await liveness(server, task)).toEqual(ALIVE);
  });

  test('by an administrator works by its public id', async () => {
    const task = await open(server, agent);
    const body = { reason: 'seen in a log' };
    await administer(server, 'POST', `/api/admin/tokens/${task.tokenId}/revoke`, body);
    expect(await liveness(server, task)).toEqual(DEAD);
  });
});

describe('[S24] a child and its ancestor’s revocation at the same time', () => {
  test('never leaves a living child behind', async () => {
    for (let round = 0; round < 5; round += 1) {
      const root = await open(server, agent);
      const [children] = await Promise.all([
        Promise.allSettled([1, 2, 3].map(() => derive(server, root))),
        revoke(server, agent, root.token),
      ]);
      for (const child of children) {
        if (child.status === 'fulfilled') expect(await liveness(server, child.value)).toEqual(DEAD);
      }
    }
  });
});

describe('who may see a token', () => {
  test('[S18] its own agent, its ancestors’ agents, its resource server and administrators', async () => {
    const root = await open(server, agent, { delegates: helper.clientId });
    const below = await delegate(server, root, helper);
    expect((await introspect(server, helper, below.token)).active).toBe(true);
    expect((await introspect(server, agent, below.token)).active).toBe(true);
    expect(await introspect(server, helper, root.token)).toEqual({ active: false });
    expect(await introspect(server, stranger, below.token)).toEqual({ active: false });
  });

  test('history and children are for those who may see them', async () => {
    const root = await open(server, agent);
    await derive(server, root);
    const more = { include_task_history: 'true', include_children: 'true' };
    const seen = await introspect(server, agent, root.token, more);
    expect(seen.task_history[0]).toMatchObject({ event_type: 'task_opened' });
    expect(seen.task_chain).toHaveLength(1);
    expect(seen.children).toHaveLength(1);
  });

  test('verification compares the stated context', async () => {
    const root = await open(server, agent);
    const below = await derive(server, root);
    const verify = async (form: Record<string, string>) =>
      (await postForm(server, '/api/oauth/verify', { token: below.token, ...form }, agent.headers)).body;
    expect(await verify({ task_id: below.taskId, parent_task_id: root.taskId })).toMatchObject({
      is_valid: true,
      task_context_valid: true,
      parent_valid: true,
      scope_inheritance_valid: true,
      token_info: { active: true },
    });
    expect(await verify({ task_id: root.taskId })).toMatchObject({ task_context_valid: false });
    expect(await verify({ parent_task_id: 'x' })).toMatchObject({ parent_valid: false });
    expect(await verify({ parent_token: root.token })).toMatchObject({ parent_valid: true });
    expect(await verify({ parent_token: below.token })).toMatchObject({ parent_valid: false });
  });
});
