import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import type { Form } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ALIVE,
  auditEvents,
  DEAD,
  derive,
  introspect,
  liveness,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';

const GRACE_SECONDS = 30;
let server: TestServer;
let agent: AgentParty;
let stranger: AgentParty;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer({ env: { REFRESH_GRACE: String(GRACE_SECONDS) } });
  const grants = ['client_credentials', 'refresh_token', TOKEN_EXCHANGE];
  agent = await registerAgent(server, { grant_types: grants });
  stranger = await registerAgent(server, { grant_types: grants });
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

function refresh(task: OpenTask, refreshToken: string, form: Form = {}) {
  return requestToken(server, task.agent, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    code_verifier: task.verifier,
    ...form,
  });
}

/** The access token of an answer, as a task whose doors can be asked. */
function renewed(task: OpenTask, body: OpenTask['body']): OpenTask {
  return { ...task, token: body.access_token, tokenId: body.token_id, body };
}

describe('a refresh token', () => {
  test('[S15] rotates, stays with its task, and never widens', async () => {
    const task = await open(server, agent, { scope: 'reports:read reports:write' });
    const narrow = await refresh(task, task.body.refresh_token, { scope: 'reports:read' });
    expect(narrow.body).toMatchObject({ scope: 'reports:read', task_id: task.taskId });
    expect(narrow.body.refresh_token).not.toBe(task.body.refresh_token);
    const wider = await refresh(task, narrow.body.refresh_token, { scope: 'reports:read example:read' });
    expect(wider.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    const whole = await refresh(task, narrow.body.refresh_token);
    expect(whole.body.scope).toBe('reports:read reports:write');
  });

  // RFC 6749 §6: no scope "not originally granted by the resource owner"; Authlib and zitadel/oidc name all of them.
  test.each([
    ['openid reports:read offline_access', 'reports:read', 'openid'],
    ['openid email offline_access', 'openid email', 'profile'],
  ])('[S15] of a person takes the scope %s that it came from', async (scope, held, other) => {
    const grants = ['authorization_code', 'refresh_token'];
    const client = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: grants });
    const task = await authorize(server, { agent: client, browser, form: { scope } });
    const { body } = await refresh(task, task.body.refresh_token, { scope });
    expect(body).toMatchObject({ scope: held, task_id: task.taskId });
    for (const wider of [other, `${scope} reports:write`]) {
      const refused = await refresh(task, body.refresh_token, { scope: wider });
      expect(refused.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    }
  });

  test('does not give back what the agent has lost since', async () => {
    const losing = await registerAgent(server, { grant_types: ['client_credentials', 'refresh_token'] });
    const task = await open(server, losing, { scope: 'reports:read reports:write' });
    await administer(server, 'PUT', `/api/agents/${losing.clientId}`, {
      permissions: ['reports:read'],
      default_scope: ['reports:read'],
    });
    const { body } = await refresh(task, task.body.refresh_token);
    expect(body.scope).toBe('reports:read');
    const asked = await refresh(task, body.refresh_token, { scope: 'reports:write' });
    expect(asked.body.error).toBe('invalid_scope');
  });

  test('does not give back the tools, resources and audiences that the agent has lost since', async () => {
    const { audience } = await registerResourceServer(server);
    const losing = await registerAgent(server, { grant_types: ['client_credentials', 'refresh_token'] });
    const task = await open(server, losing, { resource: [server.defaultAudience, audience] });
    await administer(server, 'DELETE', `/api/agents/${losing.clientId}/tools/mail`);
    await administer(server, 'PUT', `/api/agents/${losing.clientId}`, {
      allowed_resources: ['q1'],
      audiences: [audience],
    });
    const { body } = await refresh(task, task.body.refresh_token);
    expect(body).toMatchObject({
      granted_tools: ['search', 'summarise'],
      granted_resources: ['q1'],
      task: { audiences: [audience] },
    });
    const asked = await refresh(task, body.refresh_token, { resource: server.defaultAudience });
    expect(asked.body).toMatchObject({ error: 'invalid_target', task_error: 'not_subset' });
  });

  test('of another client is refused, and still works for its own', async () => {
    const task = await open(server, agent);
    const stolen = await requestToken(server, stranger, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
      code_verifier: task.verifier,
    });
    expect(stolen.body).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh(task, task.body.refresh_token)).status).toBe(200);
  });

  test('is never taken for an access token, nor an access token for it', async () => {
    const task = await open(server, agent);
    const seen = await introspect(server, agent, task.body.refresh_token);
    expect(seen).toMatchObject({ active: true, client_id: agent.clientId });
    expect(seen).not.toHaveProperty('token_type');
    expect((await refresh(task, task.token)).body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('a refresh token used again', () => {
  test('[S39] within the grace window gets a working pair: parallel sessions survive', async () => {
    const task = await open(server, agent);
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(task, task.body.refresh_token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const values = new Set(answers.map(({ body }) => body.refresh_token));
    expect(values.size).toBe(4);
    for (const { body } of answers) {
      expect(await liveness(server, renewed(task, body))).toEqual(ALIVE);
      expect((await refresh(task, body.refresh_token)).status).toBe(200);
    }
  });

  test('[S15] [R3] after the grace window ends its whole family, children included', async () => {
    const task = await open(server, agent, { task_expires_in: 3600 });
    const rotated = renewed(task, (await refresh(task, task.body.refresh_token)).body);
    const child = await derive(server, rotated);
    server.clock.advance(GRACE_SECONDS + 1);
    const replay = await refresh(task, task.body.refresh_token);
    expect(replay.body).toMatchObject({ error: 'invalid_grant' });
    for (const each of [task, rotated, child]) expect(await liveness(server, each)).toEqual(DEAD);
    expect((await refresh(task, rotated.body.refresh_token)).body.error).toBe('invalid_grant');
    const [event] = await auditEvents(server, { event_type: 'token_replayed', task_id: task.taskId });
    expect(event).toMatchObject({ status: 'refused', client_id: agent.clientId });
  });

  test('ends a person’s family in the same way', async () => {
    const web = await registerAgent(server, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const task = await authorize(server, { agent: web, browser, form: { scope: 'reports:read' } });
    const rotated = await refresh(task, task.body.refresh_token, { code_verifier: undefined });
    expect(rotated.status).toBe(200);
    server.clock.advance(GRACE_SECONDS + 1);
    const replay = await refresh(task, task.body.refresh_token, { code_verifier: undefined });
    expect(replay.body).toMatchObject({ error: 'invalid_grant' });
    expect(await liveness(server, renewed(task, rotated.body))).toEqual(DEAD);
  });
});

describe('revoking a refresh token', () => {
  test('[S25] ends the access tokens of its family too (RFC 7009 §2.1)', async () => {
    const task = await open(server, agent);
    const { body } = await revoke(server, agent, task.body.refresh_token);
    expect(body.revoked).toBe(true);
    expect(await liveness(server, task)).toEqual(DEAD);
    expect((await refresh(task, task.body.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('[R2] with revoke_children=false ends that token only', async () => {
    const task = await open(server, agent);
    await revoke(server, agent, task.body.refresh_token, { revoke_children: 'false' });
    expect(await liveness(server, task)).toEqual(ALIVE);
    expect((await refresh(task, task.body.refresh_token)).body.error).toBe('invalid_grant');
  });
});
