import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentAuthParty, registerWithKey, verify } from '../support/agent-auth.ts';
import { keyHolder } from '../faults/proofs.ts';
import { administer, asAdmin, registerAgent } from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, eventually, introspect } from '../support/token-requests.ts';

/** RFC 9449 at the endpoints that take API keys. */
let server: TestServer;
let party: AgentAuthParty;
let holder: Awaited<ReturnType<typeof keyHolder>>;
const NOBODY = { clientId: '', clientSecret: '', headers: {} };

beforeAll(async () => {
  server = await startServer();
  party = await registerWithKey(server);
  holder = await keyHolder(server, NOBODY);
});
afterAll(() => server.stop());

const proven = async (path: string, token?: string) => ({
  dpop: await holder.proof('POST', path, token === undefined ? {} : { token }),
});

async function bound() {
  const { body } = await verify(server, party, {}, await proven('/agents/verify'));
  return body.token;
}

describe('a key that is proven beside the API key', () => {
  test('binds the tokens, and takes the place of a challenge', async () => {
    const token = await bound();
    expect(token).toMatchObject({ token_type: 'DPoP', verifier_bound: false });
    const told = await introspect(server, ADMIN, token.access_token);
    expect(told).toMatchObject({ active: true, cnf: { jkt: expect.any(String) }, token_type: 'DPoP' });
    const asBearer = await send(server, `/agents/${party.agentId}`, {
      headers: { authorization: `Bearer ${token.access_token}` },
    });
    expect(asBearer.status).toBe(401);
    const dpop = await holder.proof('GET', `/agents/${party.agentId}`, { token: token.access_token });
    const shown = await send(server, `/agents/${party.agentId}`, {
      headers: { authorization: `DPoP ${token.access_token}`, dpop },
    });
    expect(shown.status).toBe(200);
  });

  test('is needed to refresh, and no other one will do', async () => {
    const { refresh_token: refreshToken } = await bound();
    const refresh = (headers: Record<string, string>) =>
      postJson(server, '/agents/refresh', { refresh_token: refreshToken }, headers);
    expect((await refresh({})).body.code).toBe('key_mismatch');
    const thief = await keyHolder(server, NOBODY);
    const stolen = { dpop: await thief.proof('POST', '/agents/refresh') };
    expect((await refresh(stolen)).body.code).toBe('key_mismatch');
    const rotated = await refresh(await proven('/agents/refresh'));
    expect([rotated.status, rotated.body.token.token_type]).toEqual([200, 'DPoP']);
  });

  test('works for login too', async () => {
    const headers = await proven('/auth/login');
    const { status, body } = await postJson(server, '/auth/login', { api_key: party.apiKey }, headers);
    expect([status, body.token_type]).toEqual([200, 'dpop']);
    // Nothing goes on with the task: there is no refresh token, and no re-issue.
    expect(body.task_expires_in).toBe(body.expires_in);
  });

  test('is proven once, for this endpoint, and not for a token that is not there', async () => {
    const headers = await proven('/agents/verify');
    expect((await verify(server, party, {}, headers)).status).toBe(200);
    expect((await verify(server, party, {}, headers)).body.code).toBe('invalid_dpop_proof');
    const elsewhere = await verify(server, party, {}, await proven('/agents/refresh'));
    expect(elsewhere.body.code).toBe('invalid_dpop_proof');
    const withHash = await verify(server, party, {}, await proven('/agents/verify', 'a-token'));
    expect(withHash.body.code).toBe('invalid_dpop_proof');
  });

  test('is on record wherever it is refused', async () => {
    const paths = ['/agents/verify', '/api/agents/verify', '/auth/login', '/data/weather'];
    const ids = await Promise.all(
      paths.map(async (path) => {
        const { body } = await postJson(server, path, {}, { dpop: 'nonsense' });
        expect(body.code).toBe('invalid_dpop_proof');
        return body.request_id as string;
      }),
    );
    const told = await eventually(
      () => asAdmin(server, 'GET', '/api/admin/audit/logs?event_type=request_refused&limit=200'),
      ({ body }) => ids.every((id) => body.logs.some((log: { request_id: string }) => log.request_id === id)),
    );
    expect(told.body.logs).toEqual(
      expect.arrayContaining(ids.map((id) => expect.objectContaining({ request_id: id }))),
    );
  });

  test('is demanded of an agent that is registered for bound tokens', async () => {
    const { clientId } = await registerAgent(server, { dpop_bound_access_tokens: true });
    const made = await administer(server, 'POST', `/api/agents/${clientId}/api-keys`, { name: 'Laptop' });
    const own = { agentId: clientId, apiKey: made.api_key };
    const refused = await verify(server, own);
    expect([refused.status, refused.body.code]).toEqual([403, 'key_mismatch']);
    expect((await verify(server, own, {}, await proven('/agents/verify'))).status).toBe(200);
  });
});

test('a request that proves an agent counts for the agent, and a failed one against the address', async () => {
  const good = await verify(server, party);
  expect(good.headers.get('ratelimit')).toMatch(/"client";r=\d+/);
  const bad = await verify(server, { ...party, apiKey: 'nonsense' });
  expect(bad.headers.get('ratelimit')).toMatch(/"failed-authentication-(client|source)";r=\d+/);
});
