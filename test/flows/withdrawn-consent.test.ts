import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, getCode } from '../support/code-flow.ts';
import { administer, asAdmin, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type Form, formOf, postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  derive,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

async function approvedTask(form: Form = {}) {
  const agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
  });
  const person = await createPerson(server);
  const task = await authorize(server, {
    agent,
    browser: browserOf(server, person),
    form: { scope: 'reports:read', ...form },
  });
  return { agent, person, task };
}

describe('withdrawing one approval', () => {
  test('[R3] ends its task, its refresh tokens and every child at once, and nothing else', async () => {
    const { agent, person, task } = await approvedTask();
    const other = await authorize(server, {
      agent,
      browser: browserOf(server, person),
      form: { scope: 'reports:read' },
    });
    const child = await derive(server, task);
    const path = `/api/admin/users/${person.userId}/consents`;
    const { consents } = await administer(server, 'GET', path);
    expect(consents).toHaveLength(2);
    const lineage = JSON.parse(Buffer.from(child.token.split('.')[1] ?? '', 'base64url').toString()).task
      .lineage;
    const grant = lineage[0].grant;
    expect(consents.map((row: { grant: string }) => row.grant)).toContain(grant);
    const withdrawn = await administer(server, 'POST', `${path}/${grant}/revoke`, {
      reason: 'changed my mind',
    });
    expect(withdrawn).toMatchObject({ grant, client_id: agent.clientId });
    for (const { token } of [task, child]) {
      expect((await postForm(server, '/api/oauth/introspect', { token }, agent.headers)).body).toEqual({
        active: false,
      });
    }
    expect(
      (await postForm(server, '/api/oauth/introspect', { token: other.token }, agent.headers)).body.active,
    ).toBe(true);
    const refreshed = await requestToken(server, agent, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
    });
    expect(refreshed.body.error).toBe('invalid_grant');
    expect((await administer(server, 'GET', path)).consents).toHaveLength(1);
  });

  test('is done once, however many do it at the same moment', async () => {
    const { person } = await approvedTask();
    const path = `/api/admin/users/${person.userId}/consents`;
    const [{ grant }] = (await administer(server, 'GET', path)).consents;
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => asAdmin(server, 'POST', `${path}/${grant}/revoke`, {})),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, ...Array(15).fill(404)]);
    const events = await auditEvents(server, { event_type: 'consent_revoked', user_id: person.userId });
    expect(events).toHaveLength(1);
  });

  test('of somebody else, or none at all, is not found', async () => {
    const { person } = await approvedTask();
    const other = await createPerson(server);
    const [consent] = (await administer(server, 'GET', `/api/admin/users/${person.userId}/consents`))
      .consents;
    for (const path of [
      `/api/admin/users/${other.userId}/consents/${consent.grant}/revoke`,
      `/api/admin/users/${person.userId}/consents/unknown/revoke`,
    ]) {
      expect((await asAdmin(server, 'POST', path, {})).status).toBe(404);
    }
  });

  test('[R3] is not needed where a replayed refresh token has ended it: it is not listed any more', async () => {
    const { agent, person, task } = await approvedTask();
    const refresh = () =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        code_verifier: task.verifier,
      });
    expect((await refresh()).status).toBe(200);
    server.clock.advance(120);
    expect((await refresh()).body.error).toBe('invalid_grant');
    const path = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', path)).consents).toEqual([]);
  });

  test('[R3] is not needed where the refresh token was revoked either, which ends all that came of it', async () => {
    const { agent, person, task } = await approvedTask();
    const { status } = await revoke(server, agent, task.body.refresh_token);
    expect(status).toBe(200);
    const path = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', path)).consents).toEqual([]);
  });

  test.each([
    ['signed out everywhere', 'POST', '/sign-out', { reason: 'lost a laptop' }],
    ['disabled', 'POST', '/disable', { reason: 'left' }],
    ['given a new password', 'PUT', '', { password: 'another password, just as long' }],
  ])('[R4] is not needed for a person who was %s, which ends them all', async (_, method, path, body) => {
    const { person } = await approvedTask();
    const user = `/api/admin/users/${person.userId}`;
    await administer(server, method, `${user}${path}`, body);
    expect((await administer(server, 'GET', `${user}/consents`)).consents).toEqual([]);
  });

  test('[R2] is not needed where the task was revoked, which one approval opens', async () => {
    const { person, task } = await approvedTask();
    await administer(server, 'POST', `/api/tasks/${task.taskId}/revoke`, { reason: 'done with it' });
    const path = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', path)).consents).toEqual([]);
  });

  test.each([
    ['suspended', 'POST', '/suspend'],
    ['deleted', 'DELETE', ''],
  ])('[R4] is not needed for an agent that was %s, redeemed or not', async (_, method, path) => {
    const { agent, person } = await approvedTask();
    await getCode(server, {
      agent,
      browser: browserOf(server, person),
      form: { scope: 'reports:read' },
    });
    const consents = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', consents)).consents).toHaveLength(2);
    await administer(server, method, `/api/agents/${agent.clientId}${path}`);
    expect((await administer(server, 'GET', consents)).consents).toEqual([]);
    if (method === 'DELETE') return;
    await administer(server, 'POST', `/api/agents/${agent.clientId}/reactivate`);
    expect((await administer(server, 'GET', consents)).consents).toEqual([]);
    await authorize(server, { agent, browser: browserOf(server, person), form: { scope: 'reports:read' } });
    expect((await administer(server, 'GET', consents)).consents).toHaveLength(1);
  });

  test.each([
    ['the task above', 0, (task: OpenTask) => `/api/tasks/${task.taskId}/revoke`],
    ['the token that it came through', 1, (task: OpenTask) => `/api/admin/tokens/${task.tokenId}/revoke`],
  ])('[R3] is not needed where %s was revoked', async (_, left, revocation) => {
    const { agent, person, task } = await approvedTask();
    const proof = pkce();
    const { body: pushed } = await postForm(
      server,
      '/api/oauth/par',
      {
        response_type: 'code',
        client_id: agent.clientId,
        redirect_uri: CALLBACK,
        scope: 'reports:read',
        parent_token: task.token,
        code_verifier: task.verifier,
        ...proof.parameters,
      },
      agent.headers,
    );
    const url = new URL('/api/oauth/authorize', server.issuer);
    url.search = formOf({ client_id: agent.clientId, request_uri: pushed.request_uri }).toString();
    await browserOf(server, person).allow(url, {});
    const consents = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', consents)).consents).toHaveLength(2);
    await administer(server, 'POST', revocation(task), { reason: 'done with it' });
    expect((await administer(server, 'GET', consents)).consents).toHaveLength(left);
  });

  test('is not needed where the time of the task is up', async () => {
    const { person } = await approvedTask({ task_expires_in: 60 });
    server.clock.advance(3600);
    const cutoffs = { now: server.clock.now(), tokens: 0, tasks: 0, audit: 0, webhooks: 0 };
    await server.taskgrant.store.cleanup.removeExpired('oidc_artifacts', cutoffs, { from: 0, most: 1000 });
    const path = `/api/admin/users/${person.userId}/consents`;
    expect((await administer(server, 'GET', path)).consents).toEqual([]);
  });
});
