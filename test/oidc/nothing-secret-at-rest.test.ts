import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK, getCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, type PersonParty, pkce, registerAgent } from '../support/parties.ts';
import { bearer, postForm, postJson, send } from '../support/requests.ts';
import { ADMIN_CLIENT_SECRET, ADMIN_PASSWORD, startServer, type TestServer } from '../support/server.ts';
import { open, requestToken, TOKEN_EXCHANGE } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let person: PersonParty;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer({ env: { LOG_LEVEL: 'debug' } });
  agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE],
  });
  person = await createPerson(server);
  browser = browserOf(server, person);
});
afterAll(() => server.stop());

/** Every byte that the server has written: database, write-ahead log, keys, log files. */
function written(): Map<string, string> {
  const home = dirname(server.logDir);
  const files = ['data', 'logs'].flatMap((folder) =>
    readdirSync(join(home, folder)).map((name) => join(home, folder, name)),
  );
  return new Map(files.map((file) => [file, readFileSync(file, 'latin1')]));
}

function whereFound(secret: string): string[] {
  return [...written()].filter(([, bytes]) => bytes.includes(secret)).map(([file]) => file);
}

describe('after people and agents have done their work', () => {
  test('no value that is accepted as a credential is in the database or in a log', async () => {
    const unused = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    const task = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    const own = await open(server, agent, { scope: 'reports:read' });
    const registered = await postJson(server, '/api/oauth/register', {
      client_name: 'Self-made',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    });
    const keys = [randomUUID(), randomUUID()];
    const keyed = (path: string, body: object, i: number) =>
      postJson(server, path, body, { 'idempotency-key': keys[i] ?? '' });
    const pending = await keyed('/api/agents/register', { agent_name: 'Newcomer' }, 0);
    expect((await keyed('/api/agents/register', { agent_name: 'Newcomer' }, 0)).text).toBe(pending.text);
    const secretClient = { client_name: 'Kept', grant_types: ['client_credentials'], redirect_uris: [] };
    const kept = await keyed('/api/oauth/register', secretClient, 1);
    expect((await keyed('/api/oauth/register', secretClient, 1)).text).toBe(kept.text);
    const withKey = await postJson(server, '/agents/register', {
      name: 'Keyed',
      owner_email: 'a@example.com',
    });
    const { agent_id: agentId, api_key: apiKey } = withKey.body;
    const verified = await postJson(server, '/agents/verify', { agent_id: agentId, api_key: apiKey });
    const { access_token: keyToken, refresh_token: keyRefresh } = verified.body.token;
    const second = await postJson(
      server,
      `/api/agents/${agentId}/api-keys`,
      { name: 'Second', api_key: apiKey },
      bearer(keyToken),
    );
    const webhook = await postJson(
      server,
      '/webhooks',
      { url: 'https://hooks.example.com/', events: ['*'] },
      bearer(own.token),
    );
    const { id: webhookId } = webhook.body.webhook;
    const rotated = await postJson(server, `/webhooks/${webhookId}/regenerate-secret`, {}, bearer(own.token));
    // Requests that fail carry secrets too.
    await send(server, `/webhooks/${encodeURIComponent(webhook.body.secret)}`, {
      headers: bearer(own.token),
    });
    await postJson(
      server,
      `/webhooks/${webhookId}/enable`,
      { secret: rotated.body.secret },
      bearer(own.token),
    );
    await postJson(server, '/agents/verify', { agent_id: apiKey, api_key: apiKey });
    await send(server, `/agents/${apiKey}?api_key=${apiKey}`, { headers: bearer(keyToken) });
    await postJson(server, '/auth/login', { api_key: apiKey, password: apiKey });
    const { registration_access_token: managing, client_secret: secret } = registered.body;
    for (const taken of [managing, secret])
      await send(server, `/api/oauth/register/${taken}`, { headers: bearer(managing) });
    await requestToken(server, agent, {
      grant_type: 'refresh_token',
      refresh_token: `${task.body.refresh_token}x`,
      code_verifier: task.verifier,
    });
    await postForm(server, '/api/oauth/par', {
      client_id: agent.clientId,
      client_secret: agent.clientSecret,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'reports:read',
      parent_token: task.token,
      code_verifier: task.verifier,
      ...pkce().parameters,
    });
    await browser.consentPage(
      authorizationUrl(server, agent, { scope: 'reports:read', ...pkce().parameters }),
    );

    const cookies = browser.pages.cookies().map(({ value }) => value);
    const secrets: Record<string, string> = {
      'authorization code': unused.code,
      'code verifier': task.verifier,
      'access token': task.token,
      'agent access token': own.token,
      'refresh token': task.body.refresh_token,
      'client secret': agent.clientSecret,
      'registered client secret': registered.body.client_secret,
      'registration access token': registered.body.registration_access_token,
      'registration token': pending.body.credentials.registration_token,
      'pending client secret': pending.body.credentials.client_secret,
      'client secret of a kept answer': kept.body.client_secret,
      'registration access token of a kept answer': kept.body.registration_access_token,
      'idempotency key': keys[0] ?? '',
      'idempotency key of a client': keys[1] ?? '',
      'API key': apiKey,
      'second API key': second.body.api_key,
      'access token of a key': keyToken,
      'refresh token of a key': keyRefresh,
      'webhook secret': webhook.body.secret,
      'second webhook secret': rotated.body.secret,
      password: person.password,
      'administrator password': ADMIN_PASSWORD,
      'administration client secret': ADMIN_CLIENT_SECRET,
      ...Object.fromEntries(cookies.map((value, i) => [`cookie ${i}`, value])),
    };
    expect(cookies.length).toBeGreaterThan(0);
    const found = Object.entries(secrets)
      .map(([name, secret]) => {
        expect([name, String(secret).length > 15]).toEqual([name, true]);
        return [name, whereFound(secret)] as const;
      })
      .filter(([, files]) => files.length > 0);
    expect(found).toEqual([]);
  });

  test('the files that were searched are those that are written', () => {
    expect(whereFound(agent.clientId).join()).toContain('taskgrant.db');
    expect(whereFound(agent.clientId).join()).toContain('.log');
  });
});
