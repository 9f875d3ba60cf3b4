import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  type PersonParty,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { bearer, type Form, postForm, postJson, send } from '../support/requests.ts';
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
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let person: PersonParty;
let browser: BrowserSession;

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
  helper = await registerAgent(server);
  person = await createPerson(server);
  browser = browserOf(server, person);
});
afterAll(() => server.stop());

const MISMATCH = { error: 'invalid_grant', task_error: 'verifier_mismatch' };

function refresh(refreshToken: string, form: Form = {}) {
  return requestToken(server, agent, { grant_type: 'refresh_token', refresh_token: refreshToken, ...form });
}

describe('a person delegates to an agent', () => {
  test('[R6] [S14] the token acts for the person, with the agent as its actor', async () => {
    const task = await authorize(server, { agent, browser, form: { scope: 'reports:read', state: 's-1' } });
    expect(task.body).toMatchObject({ token_type: 'Bearer', scope: 'reports:read' });
    const seen = await introspect(server, agent, task.token);
    expect(seen).toMatchObject({
      sub: person.userId,
      client_id: agent.clientId,
      act: { sub: agent.clientId },
    });
    expect(person.userId).toMatch(/^usr_/);
    const below = await delegate(server, await withDelegate(), helper);
    expect(await introspect(server, agent, below.token)).toMatchObject({
      sub: person.userId,
      client_id: helper.clientId,
      act: { sub: helper.clientId, act: { sub: agent.clientId } },
    });
  });

  test('[S12] a request that names no resource is for what the agent may use', async () => {
    const api = await registerResourceServer(server);
    const bounded = await registerAgent(server, {
      redirect_uris: [CALLBACK],
      grant_types: GRANTS,
      limits: { audiences: [api.audience] },
    });
    const task = await authorize(server, { agent: bounded, browser, form: { scope: 'reports:read' } });
    expect(await introspect(server, bounded, task.token)).toMatchObject({ aud: api.audience });
    const own = await clientCredentials(server, bounded, { scope: 'reports:read', ...pkce().parameters });
    expect(own.body.task.audiences).toEqual([api.audience]);
  });

  test('[R10] may grant less than was asked, and the answer says so', async () => {
    const task = await authorize(server, {
      agent,
      browser,
      form: { scope: 'reports:read reports:write' },
      allowed: ['reports:read'],
    });
    expect(task.body.scope).toBe('reports:read');
    const wider = await derive(server, task, { scope: 'reports:write' }).catch(String);
    expect(wider).toContain('not_subset');
  });

  test('is shown what has changed before anything is allowed', async () => {
    const one = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
    const url = authorizationUrl(server, one, { scope: 'reports:read', ...pkce().parameters });
    const page = await browser.consentPage(url);
    await administer(server, 'PUT', `/api/agents/${one.clientId}`, { agent_name: 'Another name' });
    const again = await browser.pages.submit(page, {});
    expect(again.status).toBe(409);
    expect(again.html).toContain('Another name');
    expect((await browser.pages.submit(again, {})).location?.searchParams.has('code')).toBe(true);
  });

  test('[R10] may decline, and the client learns of it', async () => {
    const form = { scope: 'reports:read', state: 'declined', ...pkce().parameters };
    const url = authorizationUrl(server, agent, form);
    const back = await browser.decline(url);
    expect(back.origin + back.pathname).toBe(CALLBACK);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'declined',
      iss: server.issuer,
    });
  });

  test('names the task, which nobody else can take', async () => {
    const form = { task_id: 'holiday-plans', task_description: 'Plan the holidays', scope: 'reports:read' };
    const task = await authorize(server, { agent, browser, form });
    expect(task.body).toMatchObject({ task_id: 'holiday-plans', task: { description: 'Plan the holidays' } });
    const taken = await getCode(server, { agent, browser, form }).catch(String);
    expect(taken).toContain('task_id_taken');
    // R9: a person's task goes on by refresh or a new authorization only.
    const joined = await clientCredentials(server, agent, {
      task_id: 'holiday-plans',
      code_verifier: task.verifier,
    });
    expect(joined.body).toMatchObject({ error: 'invalid_request', task_error: 'task_id_taken' });
  });
});

function withDelegate(form: Form = {}) {
  return authorize(server, {
    agent,
    browser,
    form: { scope: 'reports:read', delegates: helper.clientId, ...form },
  });
}

describe('[R7] the verifier of a code-flow task', () => {
  test('is not asked for when refreshing', async () => {
    const task = await withDelegate();
    const { status, body } = await refresh(task.body.refresh_token);
    expect({ status, task: body.task_id }).toEqual({ status: 200, task: task.taskId });
  });

  test('is asked for when the same client derives a child', async () => {
    const task = await withDelegate();
    const child = (form: Form) => tokenExchange(server, agent, task.token, form);
    expect((await child({})).body).toMatchObject(MISMATCH);
    expect((await child({ code_verifier: pkce().verifier })).body).toMatchObject(MISMATCH);
    expect((await child({ code_verifier: task.verifier })).status).toBe(200);
    const own = pkce();
    const bound = await child({ code_verifier: task.verifier, ...own.parameters });
    expect(bound.status).toBe(200);
  });

  test('is not asked for to complete the task', async () => {
    const task = await withDelegate();
    const path = `/api/tasks/${task.taskId}/complete`;
    expect((await postJson(server, path, {}, bearer(task.token))).status).toBe(200);
  });
});

describe('what ends with a person’s authorization', () => {
  test('[S8] a code used twice ends everything that was issued for it, children included', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    const first = await redeemCode(server, agent, code);
    const task = {
      agent,
      verifier: code.verifier,
      token: first.body.access_token,
      tokenId: first.body.token_id,
      taskId: first.body.task_id,
      body: first.body,
    };
    const below = await derive(server, task);
    expect(await liveness(server, below)).toEqual(ALIVE);
    const again = await redeemCode(server, agent, code);
    expect(again.body).toMatchObject({ error: 'invalid_grant' });
    for (const each of [task, below]) expect(await liveness(server, each)).toEqual(DEAD);
    expect((await refresh(first.body.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    const [event] = await auditEvents(server, { event_type: 'token_replayed' });
    expect(event).toMatchObject({ reason: expect.stringContaining('authorization code') });
  });

  test('[S8] two redemptions at once never both succeed', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    const answers = await Promise.all([1, 2, 3, 4].map(() => redeemCode(server, agent, code)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    for (const { body } of answers) {
      if (!body.access_token) continue;
      const seen = await introspect(server, agent, body.access_token);
      expect(seen.active).toBe(false);
    }
  });

  test('disabling the person ends the person’s tasks; enabling revives none', async () => {
    const someone = await createPerson(server);
    const task = await authorize(server, {
      agent,
      browser: browserOf(server, someone),
      form: { scope: 'reports:read' },
    });
    await administer(server, 'POST', `/api/admin/users/${someone.userId}/disable`, { reason: 'left' });
    expect(await liveness(server, task)).toEqual(DEAD);
    await administer(server, 'POST', `/api/admin/users/${someone.userId}/enable`, {});
    expect(await liveness(server, task)).toEqual(DEAD);
    expect((await refresh(task.body.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('a person disabled between consent and redemption gets the agent nothing', async () => {
    const someone = await createPerson(server);
    const code = await getCode(server, {
      agent,
      browser: browserOf(server, someone),
      form: { scope: 'reports:read' },
    });
    await administer(server, 'POST', `/api/admin/users/${someone.userId}/disable`, {});
    expect((await redeemCode(server, agent, code)).body).toMatchObject({ error: 'invalid_grant' });
    await administer(server, 'POST', `/api/admin/users/${someone.userId}/enable`, {});
    expect((await redeemCode(server, agent, code)).body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('an authorization for identity alone', () => {
  test('[R19] gets a token that only userinfo takes', async () => {
    const task = await authorize(server, { agent, browser, form: { scope: 'openid email profile' } });
    const claims = await send(server, '/api/oauth/userinfo', { headers: bearer(task.token) });
    expect(claims.body).toEqual({ sub: person.userId, email: person.email, name: 'Ada Example' });
    const elsewhere = await send(server, '/api/oauth/protected', {
      headers: { ...bearer(task.token), 'x-task-id': task.taskId },
    });
    expect(elsewhere.status).toBe(401);
    await postForm(server, '/api/oauth/revoke', { token: task.token }, agent.headers);
    const after = await send(server, '/api/oauth/userinfo', { headers: bearer(task.token) });
    expect(after.status).toBe(401);
  });
});
