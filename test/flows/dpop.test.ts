import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  clientCredentials,
  handOff,
  open as openWithVerifier,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

/** RFC 9449 with oauth4webapi: a key in the place of a verifier (R7). */
let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let browser: BrowserSession;
let as: oauth.AuthorizationServer;

const http = { [oauth.allowInsecureRequests]: true };
const GRANTS = ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
  helper = await registerAgent(server);
  browser = browserOf(server, await createPerson(server));
  const issuer = new URL(server.issuer);
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
});
afterAll(() => server.stop());

type Party = ReturnType<typeof clientOf>;
function clientOf({ clientId, clientSecret }: AgentParty) {
  const self: oauth.Client = { client_id: clientId };
  return { self, auth: oauth.ClientSecretBasic(clientSecret) };
}

/** A process with a key of its own. */
async function withKey({ self }: Party) {
  return oauth.DPoP(self, await oauth.generateKeyPair('ES256'));
}

async function open(party: Party, DPoP: oauth.DPoPHandle, form: Record<string, string> = {}) {
  const asked = new URLSearchParams(form);
  const response = await oauth.clientCredentialsGrantRequest(as, party.self, party.auth, asked, {
    ...http,
    DPoP,
  });
  const tokens = await oauth.processClientCredentialsResponse(as, party.self, response);
  return { ...tokens, task_id: tokens['task_id'] as string };
}

async function exchange(
  party: Party,
  token: string,
  DPoP: oauth.DPoPHandle | undefined,
  form: Record<string, string> = {},
) {
  const asked = new URLSearchParams({ subject_token: token, subject_token_type: ACCESS_TOKEN, ...form });
  const response = await oauth.genericTokenEndpointRequest(
    as,
    party.self,
    party.auth,
    TOKEN_EXCHANGE,
    asked,
    {
      ...http,
      ...(DPoP ? { DPoP } : {}),
    },
  );
  return oauth.processGenericTokenEndpointResponse(as, party.self, response);
}

const KEY_MISMATCH = {
  error: 'invalid_request',
  error_description: expect.stringMatching(/^key_mismatch: /),
};

describe('[S31] an agent that is registered for bound tokens', () => {
  const DEMANDED = { task_error: 'key_mismatch', error_description: expect.stringContaining('DPoP proof') };

  test('gets no others, whichever way it asks', async () => {
    const bound = await registerAgent(server, {
      grant_types: GRANTS,
      dpop_bound_access_tokens: true,
      redirect_uris: [CALLBACK],
    });
    const me = clientOf(bound);
    const bare = await clientCredentials(server, bound, pkce().parameters);
    expect(bare).toMatchObject({ status: 400, body: DEMANDED });

    const key = await withKey(me);
    const task = await open(me, key);
    expect(task.token_type).toBe('dpop');

    const delegating = await openWithVerifier(server, agent, { delegates: bound.clientId });
    const voucher = await handOff(server, delegating, bound);
    const derived = await tokenExchange(server, bound, voucher, pkce().parameters);
    expect(derived).toMatchObject({ status: 400, body: DEMANDED });
    expect(await exchange(me, voucher, key)).toMatchObject({ token_type: 'dpop' });
  });
});

describe('[S31] a task bound to a key', () => {
  test('opens without a challenge, and its token says which key', async () => {
    const me = clientOf(agent);
    const task = await open(me, await withKey(me));
    expect(task).toMatchObject({ token_type: 'dpop', task: { key_bound: true, verifier_bound: false } });
    const response = await oauth.introspectionRequest(as, me.self, me.auth, task.access_token, http);
    const seen = await oauth.processIntrospectionResponse(as, me.self, response);
    expect(seen).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: expect.any(String) } });
  });

  test('[R7] goes on only with a proof of the same key: child, refresh and another token', async () => {
    const me = clientOf(agent);
    const mine = await withKey(me);
    const other = await withKey(me);
    const task = await open(me, mine);
    const child = await exchange(me, task.access_token, mine);
    expect(child).toMatchObject({ token_type: 'dpop', task: { key_bound: true } });
    await expect(exchange(me, task.access_token, other)).rejects.toMatchObject(KEY_MISMATCH);
    await expect(exchange(me, task.access_token, undefined)).rejects.toMatchObject(KEY_MISMATCH);
    await expect(open(me, other, { task_id: task.task_id })).rejects.toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringMatching(/^key_mismatch: /),
    });
    expect(await open(me, mine, { task_id: task.task_id })).toMatchObject({ token_type: 'dpop' });
    await expect(refresh(me, task.refresh_token, other)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await refresh(me, task.refresh_token, mine)).toMatchObject({ token_type: 'dpop' });
  });

  test('[R7] a child of a bound token is bound, whoever derives it', async () => {
    const me = clientOf(agent);
    const mine = await withKey(me);
    const task = await open(me, mine, { delegates: helper.clientId });
    const proof = oauth.generateRandomCodeVerifier();
    const voucher = await exchange(me, task.access_token, mine, { delegate_to: helper.clientId });
    const you = clientOf(helper);
    const challenge = {
      code_challenge: await oauth.calculatePKCECodeChallenge(proof),
      code_challenge_method: 'S256',
    };
    await expect(exchange(you, voucher.access_token, undefined, challenge)).rejects.toMatchObject(
      KEY_MISMATCH,
    );
    const child = await exchange(you, voucher.access_token, await withKey(you));
    expect(child).toMatchObject({ token_type: 'dpop', task: { key_bound: true } });
  });

  test('is of no use as a bearer token, and with a proof of its key it is', async () => {
    const me = clientOf(agent);
    const mine = await withKey(me);
    const task = await open(me, mine);
    const url = new URL(server.defaultAudience);
    const headers = () => new Headers({ 'x-task-id': task.task_id });
    const bare = await fetch(url, {
      headers: { authorization: `Bearer ${task.access_token}`, 'x-task-id': task.task_id },
    });
    expect(bare.status).toBe(401);
    // RFC 9449 §7.1: algs are those that are taken.
    const algs = as.dpop_signing_alg_values_supported?.join(' ');
    expect(bare.headers.get('www-authenticate')).toContain(`algs="${algs}"`);
    const call = (DPoP: oauth.DPoPHandle) =>
      oauth.protectedResourceRequest(task.access_token, 'GET', url, headers(), null, { ...http, DPoP });
    expect((await call(mine)).status).toBe(200);
    await expect(call(await withKey(me))).rejects.toMatchObject({ status: 401 });
  });

  test('an unbound token cannot be dressed up as a bound one', async () => {
    const me = clientOf(agent);
    const verifier = oauth.generateRandomCodeVerifier();
    const { body } = await clientCredentials(server, agent, {
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const url = new URL(server.defaultAudience);
    const headers = new Headers({ 'x-task-id': body.task_id });
    const call = oauth.protectedResourceRequest(body.access_token, 'GET', url, headers, null, {
      ...http,
      DPoP: await withKey(me),
    });
    await expect(call).rejects.toMatchObject({ status: 401 });
  });
});

async function refresh(party: Party, token: string | undefined, DPoP: oauth.DPoPHandle) {
  const response = await oauth.refreshTokenGrantRequest(as, party.self, party.auth, token ?? '', {
    ...http,
    DPoP,
  });
  return oauth.processRefreshTokenResponse(as, party.self, response);
}

async function proofOf(over: oauth.ModifyAssertionFunction) {
  const me = clientOf(agent);
  const keys = await oauth.generateKeyPair('ES256');
  return { me, DPoP: oauth.DPoP(me.self, keys, { [oauth.modifyAssertion]: over }) };
}

describe('[S31] a proof of possession', () => {
  test.each([
    ['for another method', { htm: 'GET' }],
    ['for another URL', { htu: 'https://elsewhere.example.com/api/oauth/token' }],
    ['without an id', { jti: undefined }],
  ])('%s is refused', async (_what, change) => {
    const { me, DPoP } = await proofOf((_header, payload) => void Object.assign(payload, change));
    await expect(open(me, DPoP)).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
  });

  test('from a clock that is wrong gets a nonce of the server’s, with which it is fresh (RFC 9449 §8)', async () => {
    const { me, DPoP } = await proofOf(
      (_header, payload) => void Object.assign(payload, { iat: 1_500_000_000 }),
    );
    const refused: unknown = await open(me, DPoP).catch((error: unknown) => error);
    expect(oauth.isDPoPNonceError(refused)).toBe(true);
    expect(await open(me, DPoP)).toMatchObject({ token_type: 'dpop' });
  });

  test('is spent by its first use, which says nothing about the grant (RFC 9449 §5)', async () => {
    const { me, DPoP } = await proofOf(
      (_header, payload) => void Object.assign(payload, { jti: 'always-the-same' }),
    );
    await open(me, DPoP);
    await expect(open(me, DPoP)).rejects.toMatchObject({ error: 'invalid_dpop_proof', status: 400 });
  });

  test('that is no JWT is refused', async () => {
    const { body } = await tokenExchange(
      server,
      { ...agent, headers: { ...agent.headers, dpop: 'nonsense' } },
      'x',
    );
    expect(body).toMatchObject({ error: 'invalid_dpop_proof' });
  });
});

describe('[S31] a code-flow task bound to a key', () => {
  async function approved(me: Party) {
    const verifier = oauth.generateRandomCodeVerifier();
    const url = authorizationUrl(server, agent, {
      scope: 'reports:read',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return { verifier, callback: oauth.validateAuthResponse(as, me.self, await browser.allow(url)) };
  }

  async function redeem(
    { self, auth }: Party,
    { callback, verifier }: Awaited<ReturnType<typeof approved>>,
    DPoP: oauth.DPoPHandle,
  ) {
    const options = { ...http, DPoP };
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      self,
      auth,
      callback,
      CALLBACK,
      verifier,
      options,
    );
    return oauth.processAuthorizationCodeResponse(as, self, response);
  }

  test('refreshes only with that key', async () => {
    const me = clientOf(agent);
    const mine = await withKey(me);
    const tokens = await redeem(me, await approved(me), mine);
    expect(tokens.token_type).toBe('dpop');
    await expect(refresh(me, tokens.refresh_token, await withKey(me))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect(await refresh(me, tokens.refresh_token, mine)).toMatchObject({ token_type: 'dpop' });
  });

  test('is not opened by a proof that was used, which leaves the code as it is', async () => {
    const ids = ['used', 'used', 'fresh'].map((id) => `${id} for a code`);
    const { me, DPoP } = await proofOf(
      (_header, payload) => void Object.assign(payload, { jti: ids.shift() }),
    );
    await open(me, DPoP);
    const approval = await approved(me);
    await expect(redeem(me, approval, DPoP)).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    expect(await redeem(me, approval, DPoP)).toMatchObject({ token_type: 'dpop' });
  });
});
