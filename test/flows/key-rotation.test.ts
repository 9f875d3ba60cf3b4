import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ALIVE, introspect, liveness, open } from '../support/token-requests.ts';

const LOOKS_FOR_NEW_KEYS_WITHIN = 8_000;
let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer({ env: { KEY_PUBLISH_AHEAD: '0' } });
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

async function publishedKeys(): Promise<string[]> {
  const { body } = await send(server, '/api/oauth/jwks');
  return body.keys.map(({ kid }: { kid: string }) => kid);
}

async function publishedWith(kid: string): Promise<string[]> {
  const deadline = Date.now() + LOOKS_FOR_NEW_KEYS_WITHIN;
  for (;;) {
    const keys = await publishedKeys();
    if (keys.includes(kid) || Date.now() > deadline) return keys;
    await setTimeout(100);
  }
}

describe('rotating the signing key', () => {
  test('new tokens carry the new key, and the old one verifies until its tokens have expired', async () => {
    const before = await open(server, agent);
    const old = decodeProtectedHeader(before.token).kid;
    const { kid } = await server.taskgrant.keyring.rotate(server.clock.now());
    const after = await open(server, agent);
    expect(decodeProtectedHeader(after.token).kid).toBe(kid);
    expect(kid).not.toBe(old);

    expect(new Set(await publishedWith(kid))).toEqual(new Set([old, kid]));
    for (const task of [before, after]) expect(await liveness(server, task)).toEqual(ALIVE);
    const keys = createRemoteJWKSet(new URL('/api/oauth/jwks', server.issuer));
    for (const { token } of [before, after]) {
      const { payload } = await jwtVerify(token, keys, { issuer: server.issuer, typ: 'at+jwt' });
      expect(payload.sub).toBe(agent.clientId);
    }

    server.clock.advance(2 * 3600);
    const late = await open(server, agent);
    expect((await introspect(server, agent, late.token)).active).toBe(true);
    expect((await introspect(server, agent, before.token)).active).toBe(false);
  });

  test('[S3] the published keys are public parts only', async () => {
    const { body, headers } = await send(server, '/api/oauth/jwks');
    expect(headers.get('content-type')).toContain('json');
    for (const key of body.keys) {
      expect(key).toMatchObject({ kty: 'EC', use: 'sig', alg: 'ES256', kid: expect.any(String) });
      for (const secret of ['d', 'p', 'q', 'k']) expect(key).not.toHaveProperty(secret);
    }
  });
});
