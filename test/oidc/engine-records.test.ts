import { afterEach, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { pkce } from '../support/parties.ts';
import { formOf, postForm, send } from '../support/requests.ts';
import { type BareEngine, CLIENT, HEADERS, oidcOf, startBareEngine } from './bare-engine.ts';

/** What the adapters of src/oidc rely on: which records the engine asks for, when, and what it makes of them. */
let engine: BareEngine | undefined;
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
});

const LATER = Math.floor(Date.now() / 1000) + 600;

function accessToken(over: Record<string, unknown> = {}) {
  return {
    kind: 'AccessToken',
    jti: 'public-id',
    clientId: CLIENT,
    iat: 1_700_000_000,
    exp: LATER,
    scope: 'read',
    aud: 'https://api.example.com',
    extra: { sub: 'someone', task: { id: 't' } },
    ...over,
  };
}

async function withTokens(features: Record<string, unknown> = {}): Promise<BareEngine> {
  engine = await startBareEngine({
    configuration: {
      features: {
        introspection: { enabled: true, allowedPolicy: () => Promise.resolve(true) },
        revocation: { enabled: true, allowedPolicy: () => Promise.resolve(true) },
        ...features,
      },
    },
  });
  return engine;
}

describe('[R19] introspection', () => {
  test('looks the presented value up as it is, and answers with what the record holds', async () => {
    const { records, calls } = await withTokens({
      richAuthorizationRequests: {
        enabled: true,
        types: { agent_task: { validate: () => undefined } },
        authorizationDetailsForGrantSource: () => undefined,
        authorizationDetailsForAccessToken: () => undefined,
        authorizationDetailsForIntrospection: (_ctx: unknown, token: { rar?: unknown }) => token.rar,
      },
      resourceIndicators: { enabled: true },
    });
    records.set('AccessToken:a-handle', accessToken({ jkt: 'thumbprint', rar: [{ type: 'agent_task' }] }));
    const { body } = await postForm(
      engine as BareEngine,
      '/token/introspection',
      { token: 'a-handle' },
      HEADERS,
    );
    expect(calls).toContainEqual({ model: 'AccessToken', method: 'find', id: 'a-handle' });
    expect(body).toEqual({
      active: true,
      sub: 'someone',
      task: { id: 't' },
      client_id: CLIENT,
      exp: LATER,
      iat: 1_700_000_000,
      iss: engine?.issuer,
      jti: 'public-id',
      aud: 'https://api.example.com',
      scope: 'read',
      cnf: { jkt: 'thumbprint' },
      token_type: 'DPoP',
      authorization_details: [{ type: 'agent_task' }],
    });
  });

  test('waits for the policy, and hides what it forbids', async () => {
    const { records } = await withTokens({
      introspection: { enabled: true, allowedPolicy: async () => Promise.resolve(false) },
    });
    records.set('AccessToken:a-handle', accessToken());
    const { body } = await postForm(
      engine as BareEngine,
      '/token/introspection',
      { token: 'a-handle' },
      HEADERS,
    );
    expect(body).toEqual({ active: false });
  });

  test('refuses JWTs, which is why ours are replaced by a handle first', async () => {
    const { calls } = await withTokens();
    const jwt = await new SignJWT({ jti: 'x' }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
    const { status, body } = await postForm(
      engine as BareEngine,
      '/token/introspection',
      { token: jwt },
      HEADERS,
    );
    expect(body.active).not.toBe(true);
    expect({ status, looked: calls.some(({ id }) => id === jwt) }).toMatchObject({ looked: false });
  });
});

describe('[R19] revocation', () => {
  test('destroys the record that it found, once the policy agrees', async () => {
    const { records, calls } = await withTokens();
    records.set('AccessToken:a-handle', accessToken());
    const { status } = await postForm(
      engine as BareEngine,
      '/token/revocation',
      { token: 'a-handle' },
      HEADERS,
    );
    expect(status).toBe(200);
    expect(calls).toContainEqual(expect.objectContaining({ model: 'AccessToken', method: 'destroy' }));
  });

  test.each([
    [
      { grantId: 'a-grant', accountId: 'someone' },
      [{ model: 'AccessToken', method: 'revokeByGrantId', id: 'a-grant' }],
    ],
    [{}, []],
  ])(
    'revokes a whole grant only if the record names one, which ours never does: %j',
    async (over, expected) => {
      const { records, calls, issuer } = await withTokens();
      records.set('AccessToken:a-handle', accessToken(over));
      await postForm({ issuer }, '/token/revocation', { token: 'a-handle' }, HEADERS);
      const revoked = calls.filter(
        ({ model, method }) => model === 'AccessToken' && method === 'revokeByGrantId',
      );
      expect(revoked).toEqual(expected);
    },
  );
});

describe('[R19] authorization', () => {
  test('calls every validator of extraParams in order, for requests without the parameters too', async () => {
    const called: string[] = [];
    const validator = (name: string) => async (ctx: unknown) => {
      called.push(name);
      expect(oidcOf(ctx).client.clientId).toBe(CLIENT);
    };
    engine = await startBareEngine({
      configuration: {
        extraParams: { first: validator('first'), second: validator('second'), third: null },
      },
    });
    const query = formOf({
      client_id: CLIENT,
      response_type: 'code',
      redirect_uri: 'https://client.example.com/callback',
      scope: 'openid',
      ...pkce().parameters,
    });
    await send(engine, `/auth?${query.toString()}`);
    expect(called).toEqual(['first', 'second']);
  });

  test('keeps what a validator changes in the parameters', async () => {
    engine = await startBareEngine({
      configuration: {
        features: { pushedAuthorizationRequests: { enabled: true } },
        extraParams: {
          secret: async (ctx: unknown) => {
            oidcOf(ctx).params['secret'] = 'a reference';
          },
        },
      },
    });
    const form = {
      client_id: CLIENT,
      response_type: 'code',
      redirect_uri: 'https://client.example.com/callback',
      scope: 'openid',
      secret: 'the secret itself',
      ...pkce().parameters,
    };
    expect((await postForm(engine, '/request', form, HEADERS)).status).toBe(201);
    const stored = JSON.stringify([...engine.records.values()].map((record) => decoded(record)));
    expect(stored).toContain('a reference');
    expect(stored).not.toContain('the secret itself');
  });
});

/** A pushed request is stored as an unsigned JWT: its payload in clear. */
function decoded(record: unknown): unknown {
  const { request } = record as { request?: string };
  return request ? Buffer.from(request.split('.')[1] ?? '', 'base64url').toString() : record;
}
