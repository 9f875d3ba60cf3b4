import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentAuthParty,
  refreshWith,
  registerWithKey,
  verified,
  withToken,
} from '../support/agent-auth.ts';
import { administer, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, introspect, open, requestToken } from '../support/token-requests.ts';

/** What becomes of the tokens that API keys have opened. */
let server: TestServer;
let party: AgentAuthParty;

beforeAll(async () => {
  server = await startServer();
  party = await registerWithKey(server);
});
afterAll(() => server.stop());

describe('a refresh token', () => {
  test('without a binding works exactly once: a replay, however soon, ends the family', async () => {
    const { refreshToken, accessToken } = await verified(server, party);
    const rotated = await refreshWith(server, refreshToken);
    expect(rotated.status).toBe(200);
    const replayed = await refreshWith(server, refreshToken);
    expect([replayed.status, replayed.body.code]).toEqual([400, 'grant_replayed']);
    for (const token of [accessToken, rotated.body.token.access_token]) {
      expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
    }
    expect((await refreshWith(server, rotated.body.token.refresh_token)).body.code).toBe('grant_revoked');
  });

  test('without a binding is rotated by one of many that use it at once, and none keeps anything', async () => {
    const { refreshToken } = await verified(server, party);
    const answers = await Promise.all(Array.from({ length: 8 }, () => refreshWith(server, refreshToken)));
    const lucky = answers.filter(({ status }) => status === 200);
    expect(lucky.length).toBeLessThanOrEqual(1);
    for (const { body } of lucky) {
      expect(await introspect(server, ADMIN, body.token.access_token)).toEqual({ active: false });
    }
  });

  test('with a verifier has the grace of every other one', async () => {
    const { parameters, verifier } = pkce();
    const { refreshToken } = await verified(server, party, parameters);
    expect((await refreshWith(server, refreshToken, verifier)).status).toBe(200);
    expect((await refreshWith(server, refreshToken, verifier)).status).toBe(200);
    server.clock.advance(120);
    expect((await refreshWith(server, refreshToken, verifier)).body.code).toBe('grant_replayed');
  });

  test('of an OAuth client is nothing here, where no client authenticates itself', async () => {
    const agent = await registerAgent(server, { grant_types: ['client_credentials', 'refresh_token'] });
    const { body, verifier } = await open(server, agent);
    const refused = await refreshWith(server, body.refresh_token, verifier);
    expect([refused.status, refused.body.code]).toEqual([400, 'grant_invalid']);
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, code_verifier: verifier };
    expect((await requestToken(server, agent, form)).status).toBe(200);
  });

  test('does not outlive its task', async () => {
    const { refreshToken } = await verified(server, party, { task_expires_in: 60 });
    server.clock.advance(61);
    expect((await refreshWith(server, refreshToken)).body.code).toBe('grant_expired');
  });

  test('of an agent that lost a right brings it no more', async () => {
    const own = await registerWithKey(server, { permissions: ['example:read', 'reports:write'] });
    const { refreshToken } = await verified(server, own);
    await administer(server, 'PUT', `/agents/${own.agentId}/permissions`, { permissions: ['example:read'] });
    expect((await refreshWith(server, refreshToken)).body.token.scope).toBe('example:read');
  });
});

describe('revoking tokens', () => {
  test('ends what the keys of the agent opened, and nothing else', async () => {
    const agent = await registerAgent(server);
    const { api_key: apiKey } = await administer(server, 'POST', `/api/agents/${agent.clientId}/api-keys`, {
      name: 'Laptop',
    });
    const own = { agentId: agent.clientId, apiKey };
    const oauth = await open(server, agent);
    const [first, second] = [await verified(server, own), await verified(server, own)];
    const others = await verified(server, party);
    const { body } = await withToken(server, first.accessToken, 'POST', '/agents/revoke-tokens');
    expect(body).toMatchObject({ revoked_tasks: 2, revoked_tokens: 4 });
    for (const { accessToken } of [first, second]) {
      expect(await introspect(server, ADMIN, accessToken)).toEqual({ active: false });
    }
    for (const token of [oauth.token, others.accessToken]) {
      expect(await introspect(server, ADMIN, token)).toMatchObject({ active: true });
    }
    const again = await withToken(server, oauth.token, 'POST', '/agents/revoke-tokens');
    expect(again.body).toMatchObject({ revoked_tasks: 0, revoked_tokens: 0 });
  });
});
