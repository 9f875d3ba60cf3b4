import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentAuthParty, registerWithKey, verified, verify, withToken } from '../support/agent-auth.ts';
import { administer, asAdmin } from '../support/parties.ts';
import { postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, auditEvents, introspect } from '../support/token-requests.ts';

let server: TestServer;
let party: AgentAuthParty;

beforeAll(async () => {
  server = await startServer();
  party = await registerWithKey(server);
});
afterAll(() => server.stop());

const register = (permissions: readonly string[]) =>
  postJson(server, '/agents/register', { name: 'Newcomer', owner_email: 'you@company.com', permissions });

describe('what once went wrong where agents register, verify and are administered', () => {
  test('anybody registered themselves with *:*:* and had every right', async () => {
    const { body } = await register(['*:*:*']);
    expect(body.agent.permissions).not.toContain('*:*:*');
    expect(body.agent.pending_permissions).toEqual(['*:*:*']);
    const asked = await verify(server, { agentId: body.agent_id, apiKey: body.api_key }, { scope: '*:*:*' });
    expect([asked.status, asked.body.code]).toEqual([403, 'scope_exceeds_ceiling']);
  });

  test('the documented wildcards were refused', async () => {
    const permissions = ['zendesk:*:*', 'zendesk:tickets:*', '*:*:*', 'github:repos:*'];
    const { status, body } = await register(permissions);
    expect([status, body.agent.pending_permissions]).toEqual([201, permissions]);
  });

  test('constructor:x:y crashed the validator', async () => {
    for (const text of [
      'constructor:x:y',
      '__proto__:x:y',
      'toString',
      'hasOwnProperty:a:b',
      'zendesk:constructor:read',
    ]) {
      const { status, body } = await register([text]);
      expect([text, status, body.invalid_permissions?.[0].permission]).toEqual([text, 400, text]);
    }
  });

  test('any JWT changed any agent', async () => {
    const other = await registerWithKey(server);
    const { accessToken } = await verified(server, other);
    const attempts: [string, string, object | undefined][] = [
      ['PUT', 'tier', { tier: 'enterprise' }],
      ['PUT', 'permissions', { permissions: ['example:read'] }],
      ['POST', 'revoke', {}],
      ['GET', 'activity', undefined],
      ['GET', 'api-keys', undefined],
      ['POST', 'api-keys', { name: 'Mine now', api_key: other.apiKey }],
    ];
    const before = await administer(server, 'GET', `/agents/${party.agentId}`);
    for (const [method, door, body] of attempts) {
      const { status } = await withToken(
        server,
        accessToken,
        method,
        `/agents/${party.agentId}/${door}`,
        body,
      );
      expect([door, [401, 404].includes(status)]).toEqual([door, true]);
    }
    expect(await administer(server, 'GET', `/agents/${party.agentId}`)).toEqual(before);
  });

  test('a deleted agent’s tokens went on working, and so did its key', async () => {
    const own = await registerWithKey(server);
    const { accessToken } = await verified(server, own);
    await administer(server, 'POST', `/agents/${own.agentId}/revoke`, {});
    expect(await introspect(server, ADMIN, accessToken)).toEqual({ active: false });
    expect((await verify(server, own)).status).toBe(401);
  });

  test('there was no way to revoke a key', async () => {
    const own = await registerWithKey(server);
    const path = `/agents/${own.agentId}/api-keys`;
    const { api_keys } = await administer(server, 'GET', path);
    expect((await asAdmin(server, 'DELETE', `${path}/${api_keys[0].key_id}`)).status).toBe(200);
    expect((await postJson(server, '/auth/login', { api_key: own.apiKey })).status).toBe(401);
  });

  test('a refresh token stayed good for as long as it lived, whoever had used it', async () => {
    const { refreshToken } = await verified(server, party);
    const refresh = () => postJson(server, '/agents/refresh', { refresh_token: refreshToken });
    expect((await refresh()).status).toBe(200);
    expect((await refresh()).body.code).toBe('grant_replayed');
  });

  test('an access token was taken for a refresh token', async () => {
    const { accessToken } = await verified(server, party);
    const answer = await postJson(server, '/agents/refresh', { refresh_token: accessToken });
    expect([answer.status, answer.body.code]).toEqual([400, 'grant_invalid']);
  });

  test('failed attempts could be made without end', async () => {
    const own = await registerWithKey(server);
    const wrong = { ...own, apiKey: `${own.apiKey.slice(0, -2)}xx` };
    const answers = [];
    for (let i = 0; i < 12; i += 1) answers.push((await verify(server, wrong)).status);
    expect(answers).toEqual([...Array(10).fill(401), 429, 429]);
    const [refusal] = await auditEvents(server, { event_type: 'token_refused', status: 'refused' });
    expect(refusal).toMatchObject({
      reason: 'rate_limited',
      details: { policy: 'failed-authentication-client' },
    });
  });
});

describe('login by a key alone', () => {
  test('once had to try a slow hash on every row: now it is one read of one row, by an index', async () => {
    const { store, context } = server.taskgrant;
    const { byPrefix } = store.apiKeys;
    const asked: string[] = [];
    Object.assign(context.store.apiKeys, {
      byPrefix: (prefix: string) => {
        asked.push(prefix);
        return byPrefix(prefix);
      },
    });
    const { status } = await postJson(server, '/auth/login', { api_key: party.apiKey });
    Object.assign(context.store.apiKeys, { byPrefix });
    expect([status, asked]).toEqual([200, [party.apiKey.slice(3, 15)]]);
  });
});
