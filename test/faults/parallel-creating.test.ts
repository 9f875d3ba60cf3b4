import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { type AgentAuthParty, refreshWith, registerWithKey, verified } from '../support/agent-auth.ts';
import { administer, type AgentParty, adminToken, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, basic, bearer, postJson } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { ADMIN, auditEvents, clientCredentials, introspect } from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, RIVALS, tally } from './nodes.ts';

onEveryDatabase('the same request many times at once, with one Idempotency-Key', (nodes) => {
  let server: TestServer;
  let admin: Record<string, string>;
  beforeAll(async () => {
    server = nodes().front;
    admin = bearer(await adminToken(server));
  });

  const post = (path: string, body: object, key: string, headers: Record<string, string>) =>
    postJson(server, path, body, { ...headers, 'idempotency-key': key });

  /** One of them created, and all of them say the same. */
  function expectOne(answers: readonly Answer[], status: number): Answer {
    expect(tally(answers)).toEqual({ [status]: answers.length });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const repeated = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
    expect(repeated).toHaveLength(answers.length - 1);
    return answers[0] as Answer;
  }

  test('registers one agent, whose credentials work', async () => {
    const key = randomUUID();
    const body = { agent_name: 'Only one', permissions: ['example:read'] };
    const { body: made } = expectOne(await atOnce(() => post('/api/agents/register', body, key, admin)), 201);
    const { agents } = await administer(server, 'GET', '/api/agents/list?name=Only%20one');
    expect(agents.map(({ client_id }: { client_id: string }) => client_id)).toEqual([made.agent.client_id]);
    const { registration_token, client_id: clientId, client_secret: clientSecret } = made.credentials;
    await administer(server, 'POST', '/api/agents/activate', { registration_token });
    const agent: AgentParty = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
    expect((await clientCredentials(server, agent, pkce().parameters)).status).toBe(200);
  });

  test('creates one person, though all but one find the address taken', async () => {
    const key = randomUUID();
    const body = { email: 'once@example.com', name: 'Ada', password: 'a password of some length' };
    const { body: made } = expectOne(await atOnce(() => post('/api/admin/users', body, key, admin), 16), 201);
    const { users } = await administer(server, 'GET', '/api/admin/users');
    const found = users.filter(({ email }: { email: string }) => email === body.email);
    expect(found.map(({ user_id }: { user_id: string }) => user_id)).toEqual([made.user_id]);
  });

  test('rotates a secret once: the one that all of them got works', async () => {
    const agent = await registerAgent(server);
    const path = `/api/agents/${agent.clientId}/rotate-secret`;
    const key = randomUUID();
    const { body: made } = expectOne(await atOnce(() => post(path, { immediate: true }, key, admin)), 200);
    const headers = basic(agent.clientId, made.client_secret);
    expect((await clientCredentials(server, { ...agent, headers }, pkce().parameters)).status).toBe(200);
    const rotated = await auditEvents(server, {
      client_id: agent.clientId,
      event_type: 'agent_secret_rotated',
    });
    expect(rotated).toHaveLength(1);
  });

  test('registers one client at the OAuth endpoint, of whom both credentials work', async () => {
    const key = randomUUID();
    const body = { client_name: 'Just one', grant_types: ['client_credentials'], redirect_uris: [] };
    const { body: made } = expectOne(await atOnce(() => post('/api/oauth/register', body, key, {})), 201);
    const registered = await auditEvents(server, { event_type: 'client_registered' });
    expect(registered.map(({ client_id }: { client_id: string }) => client_id)).toEqual([made.client_id]);
    const agent: AgentParty = {
      clientId: made.client_id,
      clientSecret: made.client_secret,
      headers: basic(made.client_id, made.client_secret),
    };
    expect((await clientCredentials(server, agent, pkce().parameters)).status).toBe(200);
    const managed = await fetch(made.registration_client_uri, {
      headers: bearer(made.registration_access_token),
    });
    expect(managed.status).toBe(200);
  });

  test.each([
    ['/agents/verify', ({ agentId, apiKey }: AgentAuthParty) => ({ agent_id: agentId, api_key: apiKey })],
    ['/auth/login', ({ apiKey }: AgentAuthParty) => ({ api_key: apiKey })],
  ])('opens one task for an API key: %s', async (path, bodyOf) => {
    const party = await registerWithKey(server);
    const key = randomUUID();
    const { body } = expectOne(await atOnce(() => post(path, bodyOf(party), key, {})), 200);
    const token = body.access_token ?? body.token.access_token;
    expect(await introspect(server, ADMIN, token)).toMatchObject({ active: true });
    const opened = await auditEvents(server, { client_id: party.agentId, event_type: 'task_opened' });
    expect(opened).toHaveLength(1);
  });

  test('rotates a refresh token that works exactly once, and none of them is taken for a replay', async () => {
    const party = await registerWithKey(server);
    const { refreshToken, taskId } = await verified(server, party);
    const key = randomUUID();
    const send = () => post('/agents/refresh', { refresh_token: refreshToken }, key, {});
    const { body } = expectOne(await atOnce(send), 200);
    expect(await introspect(server, ADMIN, body.token.access_token)).toMatchObject({ active: true });
    expect(await auditEvents(server, { task_id: taskId, event_type: 'token_refreshed' })).toHaveLength(1);
    expect(await auditEvents(server, { task_id: taskId, event_type: 'token_replayed' })).toEqual([]);
    expect((await refreshWith(server, body.token.refresh_token)).status).toBe(200);
  });

  test('with different keys is a replay of such a token: nobody keeps anything', async () => {
    const party = await registerWithKey(server);
    const { accessToken, refreshToken } = await verified(server, party);
    const send = () => post('/agents/refresh', { refresh_token: refreshToken }, randomUUID(), {});
    const answers = await atOnce(send);
    const lucky = answers.filter(({ status }) => status === 200);
    expect(lucky.length).toBeLessThanOrEqual(1);
    for (const token of [accessToken, ...lucky.map(({ body }) => body.token.access_token)]) {
      expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
    }
  });

  test('opens one task for each agent while the registry changes all the time', async () => {
    const parties = await Promise.all(Array.from({ length: 8 }, () => registerWithKey(server)));
    const [keys, done] = [parties.map(() => randomUUID()), { yet: false }];
    const changing = (async () => {
      while (!done.yet) await registerWithKey(server);
    })();
    const answers = await atOnce((rival) => {
      const { agentId, apiKey } = parties[rival % 8] as AgentAuthParty;
      return post('/agents/verify', { agent_id: agentId, api_key: apiKey }, keys[rival % 8] as string, {});
    });
    done.yet = true;
    await changing;
    expect(tally(answers)).toEqual({ 200: answers.length });
    expect(new Set(answers.map(({ body }) => body.token.task_id)).size).toBe(8);
  });

  test('with different keys creates as many as there are keys', async () => {
    const body = { agent_name: 'One of many' };
    const answers = await atOnce(() => post('/api/agents/register', body, randomUUID(), admin));
    expect(tally(answers)).toEqual({ 201: RIVALS });
    expect(new Set(answers.map((answer) => answer.body.agent.client_id)).size).toBe(RIVALS);
  });

  test('with different bodies creates one of them, and refuses the others', async () => {
    const key = randomUUID();
    const answers = await atOnce((rival) =>
      post('/api/agents/register', { agent_name: `Rival ${rival}` }, key, admin),
    );
    expect(tally(answers)).toEqual({ 201: 1, 422: RIVALS - 1 });
    const { agents } = await administer(server, 'GET', '/api/agents/list?name=Rival&limit=200');
    expect(agents).toHaveLength(1);
  });
});
