import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent';
import { adminToken } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { skippingClock } from '../support/network.ts';

/** Agents that have an API key and nothing else. */
let server: TestServer;
let agentId: string;
let apiKey: string;

beforeAll(async () => {
  server = await startServer();
  const registrar = createAgent({ issuer: server.issuer, accessToken: await adminToken(server) });
  const registered = await registrar.registerAgent({
    name: 'Support agent',
    ownerEmail: 'you@example.com',
    permissions: ['zendesk:tickets:read', 'example:read'],
  });
  ({ agent_id: agentId, api_key: apiKey } = registered);
  expect(registered.agent.permissions).toEqual(['zendesk:tickets:read', 'example:read']);
});
afterAll(() => server.stop());

describe('an agent with an API key', () => {
  test('acts once it is verified; its token goes with every call', async () => {
    const agent = createAgent({ issuer: server.issuer });
    const verified = await agent.verifyAgent({
      agentId,
      apiKey,
      scope: 'example:read',
      description: 'Answer mail',
    });
    expect(verified).toMatchObject({
      verified: true,
      agent: { agent_id: agentId },
      token: { scope: 'example:read' },
    });
    expect(await agent.accessToken()).toBe(verified.token.access_token);
    expect(await agent.getAgent(agentId)).toMatchObject({ agent: { agent_id: agentId } });
    expect(await agent.token.callProtectedEndpoint()).toMatchObject({ task_id: verified.token.task_id });
    const rotated = await agent.refreshToken();
    expect(rotated.refresh_token).not.toBe(verified.token.refresh_token);
    expect(await agent.accessToken()).toBe(rotated.access_token);
  });

  test('verifies itself when it first needs a token, and renews by rotation', async () => {
    const clock = skippingClock();
    const agent = createAgent({
      issuer: server.issuer,
      clientId: agentId,
      apiKey,
      scope: 'example:read',
      clock,
    });
    const [a, b] = await Promise.all([agent.accessToken(), agent.accessToken()]);
    expect(b).toBe(a);
    const { task_id: id, verifier_bound: bound } = (await agent.current()).answer as unknown as Record<
      string,
      unknown
    >;
    expect(bound).toBe(true);
    clock.advance(590);
    expect(await agent.accessToken()).not.toBe(a);
    expect((await agent.current()).id).toBe(id);
  });

  test('logs in by the key alone, for as long as a token lives', async () => {
    const clock = skippingClock();
    const agent = createAgent({ issuer: server.issuer, apiKey, clock });
    const first = await agent.current();
    expect((await agent.fetch(`${server.issuer}/api/oauth/protected`)).status).toBe(200);
    clock.advance(700);
    expect((await agent.current()).id).not.toBe(first.id);
  });

  test('binds its tokens to a key, too', async () => {
    const agent = createAgent({ issuer: server.issuer, clientId: agentId, apiKey, dpop: true });
    expect((await agent.current()).answer.token_type).toBe('DPoP');
    expect((await agent.fetch(`${server.issuer}/api/oauth/protected`)).status).toBe(200);
    await (await agent.current()).renew();
  });

  test('ends everything that its keys opened', async () => {
    const agent = createAgent({ issuer: server.issuer, clientId: agentId, apiKey });
    await agent.accessToken();
    expect(await agent.revokeTokens()).toMatchObject({ success: true, revoked_tasks: expect.any(Number) });
    await expect(agent.getAgent(agentId)).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
  });

  test('is told no more than that the key is wrong', async () => {
    const agent = createAgent({ issuer: server.issuer });
    const wrong = agent.verifyAgent({ agentId, apiKey: `${apiKey.slice(0, -4)}AAAA` });
    await expect(wrong).rejects.toMatchObject({ status: 401, details: { verified: false } });
    const refused = agent.registerAgent({
      name: 'Wrong',
      ownerEmail: 'you@example.com',
      permissions: ['nope:x:y'],
    });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      details: { invalid_permissions: [{ permission: 'nope:x:y', reason: expect.any(String) }] },
    });
  });
});
