import { describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Koa from 'koa';
import request from 'supertest';
import { createDigests } from '../../src/crypto/digests.ts';
import { dpopProof } from '../../src/http/middleware/dpop-proof.ts';
import { Problem } from '../../src/http/problem.ts';
import type { RequestState } from '../../src/http/state.ts';

const ISSUER = 'https://auth.example.com';
const TOKEN = 'an.access.token';
const digests = createDigests();

function createApp() {
  const spent = new Set<string>();
  const app = new Koa<RequestState>();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      ctx.status = error.status;
      ctx.set(error.headers);
      ctx.body = { detail: error.message };
    }
  });
  app.use(
    dpopProof({
      issuer: ISSUER,
      clock: { now: () => Date.now() },
      digests,
      artifacts: {
        insert: async ({ id }) => {
          if (spent.has(id)) return false;
          spent.add(id);
          return true;
        },
      },
      except: (path) => path === '/engine',
    }),
  );
  app.use((ctx) => {
    ctx.body = { thumbprint: ctx.state.keyThumbprint ?? null };
  });
  return app.callback();
}

const pair = await generateKeyPair('ES256');
const jwk = await exportJWK(pair.publicKey);

function proof(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
  return new SignJWT({
    jti: crypto.randomUUID(),
    htm: 'POST',
    htu: `${ISSUER}/api/tasks/t/complete`,
    iat: Math.floor(Date.now() / 1000),
    ath: digests.sha256(TOKEN),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
    .sign(pair.privateKey);
}

const app = createApp();
const send = (dpop: string, path = '/api/tasks/t/complete') =>
  request(app).post(path).set('Authorization', `DPoP ${TOKEN}`).set('DPoP', dpop);

describe('a proof of possession at our own API (RFC 9449 section 4.3)', () => {
  test('for this method, URL and token says which key was proved', async () => {
    const { body } = await send(await proof());
    expect(body.thumbprint).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('is not asked of a request that brings none, nor read where the engine reads it', async () => {
    expect((await request(app).post('/api/tasks/t/complete')).body).toEqual({ thumbprint: null });
    expect((await send('nonsense', '/engine')).body).toEqual({ thumbprint: null });
  });

  test('takes the token after any number of spaces (RFC 9110 section 11.4)', async () => {
    const asked = send(await proof()).set('Authorization', `DPoP   ${TOKEN}`);
    expect((await asked).status).toBe(200);
  });

  test('works once', async () => {
    const once = await proof();
    expect((await send(once)).status).toBe(200);
    expect((await send(once)).status).toBe(401);
  });

  test('that is refused does not spend the jti of a good one', async () => {
    const jti = 'shared';
    expect((await send(await proof({ jti, htm: 'GET' }))).status).toBe(401);
    expect((await send(await proof({ jti }))).status).toBe(200);
  });

  test.each([
    ['another method', { htm: 'GET' }, {}],
    ['another URL', { htu: `${ISSUER}/api/tasks/other/complete` }, {}],
    ['another host', { htu: 'https://evil.example/api/tasks/t/complete' }, {}],
    ['another token', { ath: digests.sha256('another') }, {}],
    ['no token', { ath: undefined }, {}],
    ['no jti', { jti: undefined }, {}],
    ['an old iat', { iat: Math.floor(Date.now() / 1000) - 3600 }, {}],
    ['another typ', {}, { typ: 'JWT' }],
  ])('with %s is refused', async (_, claims, header) => {
    const { status, headers } = await send(await proof(claims, header));
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toContain('DPoP error="invalid_dpop_proof"');
  });

  test('signed with another key than it names is refused', async () => {
    const other = await exportJWK((await generateKeyPair('ES256')).publicKey);
    expect((await send(await proof({}, { jwk: other }))).status).toBe(401);
  });
});
