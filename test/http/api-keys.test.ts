import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentAuthParty, registerWithKey, verified, verify, withToken } from '../support/agent-auth.ts';
import { administer, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, auditEvents, introspect, open } from '../support/token-requests.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const keysOf = ({ agentId }: Pick<AgentAuthParty, 'agentId'>) => `/api/agents/${agentId}/api-keys`;

async function make(party: Pick<AgentAuthParty, 'agentId'>, body: object = {}) {
  return administer(server, 'POST', keysOf(party), { name: 'Laptop', ...body });
}

const works = async (agentId: string, apiKey: string) =>
  (await verify(server, { agentId, apiKey })).status === 200;

describe('the API keys of an agent', () => {
  test('are several, named, shown once, and listed without their values', async () => {
    const party = await registerWithKey(server);
    const made = [await make(party, { name: 'Laptop' }), await make(party, { name: 'Сервер 2' })];
    for (const { api_key } of made) expect(await works(party.agentId, api_key)).toBe(true);
    const first = await administer(server, 'GET', `${keysOf(party)}?limit=2`);
    expect(first.api_keys.map((row: { name: string }) => row.name)).toEqual(['Сервер 2', 'Laptop']);
    expect(first.api_keys[1]).toEqual({
      key_id: made[0].key.key_id,
      name: 'Laptop',
      prefix: made[0].api_key.slice(0, 15),
      state: 'active',
      created_at: expect.any(String),
      expires_at: null,
      last_used_at: expect.stringMatching(/Z$/),
      revoked_at: null,
      replaced_by: null,
    });
    const rest = await administer(server, 'GET', `${keysOf(party)}?cursor=${first.next_cursor}`);
    expect(rest).toMatchObject({ api_keys: [{ name: 'first key' }], next_cursor: null });
    expect(JSON.stringify([first, rest])).not.toContain(made[0].api_key.slice(16));
  });

  test('expire', async () => {
    const party = await registerWithKey(server);
    const { api_key, key } = await make(party, { expires_in: 60 });
    expect(Date.parse(key.expires_at) - Date.parse(key.created_at)).toBe(60_000);
    expect(await works(party.agentId, api_key)).toBe(true);
    server.clock.advance(60);
    expect(await works(party.agentId, api_key)).toBe(false);
    const { api_keys } = await administer(server, 'GET', keysOf(party));
    expect(api_keys[0]).toMatchObject({ key_id: key.key_id, state: 'expired' });
  });

  test('are rotated with an overlap: name and lifetime stay, what was opened goes on', async () => {
    const party = await registerWithKey(server);
    const old = await make(party, { name: 'Nightly', expires_in: 300_000 });
    const { accessToken } = await verified(server, { ...party, apiKey: old.api_key });
    const path = `${keysOf(party)}/${old.key.key_id}/rotate`;
    const rotated = await administer(server, 'POST', path, {});
    expect(rotated.key).toMatchObject({ name: 'Nightly', state: 'active' });
    expect(Date.parse(rotated.key.expires_at) - Date.parse(rotated.key.created_at)).toBe(300_000_000);
    expect(rotated.replaced).toMatchObject({ state: 'replaced', replaced_by: rotated.key.key_id });
    for (const value of [old.api_key, rotated.api_key]) expect(await works(party.agentId, value)).toBe(true);
    expect(await introspect(server, ADMIN, accessToken)).toMatchObject({ active: true });
    const again = await asAdmin(server, 'POST', path, {});
    expect([again.status, again.body.code]).toEqual([409, 'conflict']);
    server.clock.advance((Date.parse(rotated.old_key_expires_at) - server.clock.now()) / 1000 + 1);
    expect(await works(party.agentId, old.api_key)).toBe(false);
    expect(await works(party.agentId, rotated.api_key)).toBe(true);
  });

  test('are rotated at once where that is wanted', async () => {
    const party = await registerWithKey(server);
    const old = await make(party);
    const path = `${keysOf(party)}/${old.key.key_id}/rotate`;
    const rotated = await administer(server, 'POST', path, { immediate: true });
    expect(await works(party.agentId, old.api_key)).toBe(false);
    expect(await works(party.agentId, rotated.api_key)).toBe(true);
  });

  test('are revoked with everything that they opened, and what other keys opened stays', async () => {
    const party = await registerWithKey(server);
    const lost = await make(party);
    const mine = await verified(server, party);
    const [one, two] = [lost, lost].map(({ api_key: apiKey }) => verified(server, { ...party, apiKey }));
    const theirs = [await one!, await two!];
    const path = `${keysOf(party)}/${lost.key.key_id}`;
    const { status, body } = await asAdmin(server, 'DELETE', path);
    expect([status, body.key.state, body.revoked_tasks, body.revoked_tokens]).toEqual([200, 'revoked', 2, 4]);
    expect(await works(party.agentId, lost.api_key)).toBe(false);
    for (const { accessToken } of theirs) {
      expect(await introspect(server, ADMIN, accessToken)).toEqual({ active: false });
    }
    expect(await introspect(server, ADMIN, mine.accessToken)).toMatchObject({ active: true });
    const again = await asAdmin(server, 'DELETE', path);
    expect([again.status, again.body.revoked_tasks]).toEqual([200, 0]);
    const [task] = await auditEvents(server, { task_id: theirs[0]!.taskId, event_type: 'task_revoked' });
    expect(task).toMatchObject({ reason: 'the API key was revoked', actor: 'taskgrant-admin' });
  });

  test('end with the agent', async () => {
    const party = await registerWithKey(server);
    await administer(server, 'DELETE', `/api/agents/${party.agentId}`);
    const { api_keys } = await administer(server, 'GET', keysOf(party));
    expect(api_keys).toMatchObject([{ state: 'revoked' }]);
    expect((await asAdmin(server, 'POST', keysOf(party), { name: 'Late' })).status).toBe(404);
  });

  test('are 20 that work at most', async () => {
    const party = await registerWithKey(server);
    for (let i = 2; i <= 20; i += 1) await make(party, { name: `Key ${i}` });
    const refused = await asAdmin(server, 'POST', keysOf(party), { name: 'One more' });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('20 API keys')]);
    const { api_keys } = await administer(server, 'GET', keysOf(party));
    await administer(server, 'DELETE', `${keysOf(party)}/${api_keys[0].key_id}`);
    await make(party, { name: 'One more' });
  });

  test('are recorded without their values', async () => {
    const party = await registerWithKey(server);
    const { api_key, key } = await make(party);
    const events = await auditEvents(server, { client_id: party.agentId, event_type: 'api_key_created' }, 2);
    expect(events[0]).toMatchObject({
      actor: 'taskgrant-admin',
      details: { key_id: key.key_id, name: 'Laptop' },
    });
    expect(JSON.stringify(events)).not.toContain(api_key.slice(16));
  });

  test.each([
    ['no name', {}],
    ['an empty name', { name: ' ' }],
    ['a name of 101 characters', { name: 'x'.repeat(101) }],
    ['a name with control characters', { name: 'a\u0000b' }],
    ['a lifetime of a second', { name: 'Laptop', expires_in: 1 }],
    ['a lifetime that is none', { name: 'Laptop', expires_in: 'soon' }],
    ['a list with a lifetime', { name: 'Laptop', expires_in: [300_000] }],
    ['a value of one’s own choice', { name: 'Laptop', digest: 'x' }],
  ])('are not made with %s', async (_, body) => {
    const party = await registerWithKey(server);
    expect((await asAdmin(server, 'POST', keysOf(party), body)).status).toBe(400);
  });

  test('of another agent are not found under this one', async () => {
    const [party, other] = [await registerWithKey(server), await registerWithKey(server)];
    const { key } = await make(other);
    for (const [method, path] of [
      ['POST', `${keysOf(party)}/${key.key_id}/rotate`],
      ['DELETE', `${keysOf(party)}/${key.key_id}`],
      ['DELETE', `${keysOf(party)}/__proto__`],
    ] as const) {
      const answer = await asAdmin(server, method, path, method === 'POST' ? {} : undefined);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
  });

  test('are nothing for the built-in administration client, which has its secret only', async () => {
    const refused = await asAdmin(server, 'POST', '/api/agents/taskgrant-admin/api-keys', { name: 'Laptop' });
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  });
});

describe('an agent that makes itself a key', () => {
  test('shows the verifier of its task', async () => {
    const agent = await registerAgent(server);
    const { token, verifier } = await open(server, agent);
    const path = keysOf({ agentId: agent.clientId });
    const ask = (more: object) => withToken(server, token, 'POST', path, { name: 'Laptop', ...more });
    expect((await ask({})).body.code).toBe('verifier_mismatch');
    expect((await ask({ code_verifier: pkce().verifier })).body.code).toBe('verifier_mismatch');
    const { status, body } = await ask({ code_verifier: verifier });
    expect([status, await works(agent.clientId, body.api_key)]).toEqual([201, true]);
    const rotate = `${path}/${body.key.key_id}/rotate`;
    expect((await withToken(server, token, 'POST', rotate, {})).body.code).toBe('verifier_mismatch');
    expect((await withToken(server, token, 'POST', rotate, { code_verifier: verifier })).status).toBe(200);
  });

  test('or, with a token that nothing binds, a key that it has', async () => {
    const [party, other] = [await registerWithKey(server), await registerWithKey(server)];
    const { accessToken } = await verified(server, party);
    const ask = (more: object) =>
      withToken(server, accessToken, 'POST', keysOf(party), { name: 'Laptop', ...more });
    expect((await ask({})).body.code).toBe('forbidden');
    expect((await ask({ code_verifier: pkce().verifier })).body.code).toBe('forbidden');
    for (const apiKey of [`${party.apiKey.slice(0, -2)}xx`, other.apiKey, 'nonsense']) {
      const refused = await ask({ api_key: apiKey });
      expect([refused.status, refused.body.code]).toEqual([401, 'api_key_invalid']);
    }
    const { status, body } = await ask({ api_key: party.apiKey });
    expect([status, await works(party.agentId, body.api_key)]).toEqual([201, true]);
  });

  test('revokes one with its token alone, and with it that token if the key opened it', async () => {
    const party = await registerWithKey(server);
    const { accessToken } = await verified(server, party);
    const { body } = await withToken(server, accessToken, 'GET', `/agents/${party.agentId}/api-keys`);
    const path = `/agents/${party.agentId}/api-keys/${body.api_keys[0].key_id}`;
    expect((await withToken(server, accessToken, 'DELETE', path)).body.revoked_tasks).toBe(1);
    expect((await withToken(server, accessToken, 'GET', path)).status).toBe(405);
    expect(await introspect(server, ADMIN, accessToken)).toEqual({ active: false });
  });
});
