import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type Form, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  derive,
  introspect,
  open,
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

const LOOPBACK = 'http://127.0.0.1/callback';
let server: TestServer;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer();
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

describe('a public client', () => {
  let agent: AgentParty;
  beforeAll(async () => {
    const made = await registerAgent(server, {
      redirect_uris: [LOOPBACK],
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
      token_endpoint_auth_method: 'none',
    });
    agent = { ...made, headers: {} };
  });

  const asSelf = (form: Form = {}) => ({ client_id: agent.clientId, ...form });

  test('[S6] gets a code on a loopback redirect with any port, and redeems it with its verifier', async () => {
    const form = { scope: 'reports:read', redirect_uri: 'http://127.0.0.1:49152/callback' };
    const code = await getCode(server, { agent, browser, form });
    expect(code.back.host).toBe('127.0.0.1:49152');
    const wrong = await redeemCode(server, agent, { ...code, verifier: pkce().verifier }, asSelf());
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' });
    const again = await getCode(server, { agent, browser, form });
    expect((await redeemCode(server, agent, again, asSelf())).status).toBe(200);
  });

  test.each([
    ['another path', 'http://127.0.0.1:49152/elsewhere'],
    ['another host', 'http://localhost:49152/callback'],
    ['another scheme', 'https://127.0.0.1:49152/callback'],
  ])('[S6] is not redirected to %s', async (_what, uri) => {
    const url = authorizationUrl(server, agent, { redirect_uri: uri, ...pkce().parameters });
    const { status, headers } = await send(server, url.href);
    expect({ status, location: headers.get('location') }).toEqual({ status: 400, location: null });
  });

  test('[S15] rotates its refresh token', async () => {
    const code = await getCode(server, {
      agent,
      browser,
      form: { scope: 'reports:read', redirect_uri: LOOPBACK },
    });
    const first = (await redeemCode(server, agent, code, asSelf())).body;
    const refresh = (token: string) =>
      requestToken(server, agent, asSelf({ grant_type: 'refresh_token', refresh_token: token }));
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
  });

  test('[R9] derives from its own task with the verifier of the authorization, and is no delegate', async () => {
    const code = await getCode(server, {
      agent,
      browser,
      form: { scope: 'reports:read', redirect_uri: LOOPBACK },
    });
    const first = (await redeemCode(server, agent, code, asSelf())).body;
    const child = await tokenExchange(
      server,
      agent,
      first.access_token,
      asSelf({ code_verifier: code.verifier }),
    );
    expect(child.status).toBe(200);
    const stolen = await tokenExchange(server, agent, first.access_token, asSelf());
    expect(stolen.body).toMatchObject({ error: 'invalid_grant', task_error: 'verifier_mismatch' });
    const boss = await registerAgent(server);
    const root = await open(server, boss, { delegates: agent.clientId });
    const form = asSelf(pkce().parameters);
    const delegated = await tokenExchange(server, agent, root.token, form);
    expect(delegated.body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
  });

  test('gets nothing by client_credentials, and cannot be registered for it', async () => {
    const asked = await requestToken(
      server,
      agent,
      asSelf({ grant_type: 'client_credentials', ...pkce().parameters }),
    );
    expect(asked).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  test('[S18] cannot introspect', async () => {
    const boss = await registerAgent(server);
    const task = await derive(server, await open(server, boss));
    const answer = await postForm(server, '/api/oauth/introspect', asSelf({ token: task.token }));
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await introspect(server, boss, task.token)).active).toBe(true);
  });
});
