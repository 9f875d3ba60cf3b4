import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import {
  type AgentParty,
  administer,
  asAdmin,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { open, type OpenTask, revoke } from '../support/token-requests.ts';

const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const HANDLE_REVOKED = 'urn:taskgrant:secevent:event-type:handle-revoked';
const NOW = { returnImmediately: true };

let server: TestServer;
let api: ResourceServerParty;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

async function poll(body: object = NOW, receiver: ResourceServerParty = api) {
  const answer = await postJson(server, '/api/revocations/poll', body, receiver.headers);
  expect(answer.status).toBe(200);
  return answer.body as { sets: Record<string, string>; moreAvailable: boolean };
}

/** Acknowledges everything there is. */
async function drain(receiver: ResourceServerParty = api): Promise<void> {
  for (let more = true; more; ) {
    const { sets } = await poll(NOW, receiver);
    const ack = Object.keys(sets);
    ({ moreAvailable: more } = await poll({ maxEvents: 0, ack }, receiver));
  }
}

async function aRevokedTask(): Promise<OpenTask> {
  const task = await open(server, agent);
  expect((await asAdmin(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {})).status).toBe(200);
  return task;
}

const handlesIn = (sets: Record<string, string>): string[] =>
  Object.values(sets).map((set) => (decodeJwt(set)['events'] as never)[HANDLE_REVOKED]['handle']);

describe('a security event token', () => {
  test('verifies with the keys of the configuration, and tells who or what was revoked', async () => {
    await drain();
    const task = await aRevokedTask();
    const token = await open(server, agent);
    await revoke(server, agent, token.token);
    const other = await registerAgent(server);
    await administer(server, 'POST', `/api/agents/${other.clientId}/suspend`, {});

    const { body: configuration } = await send(server, '/.well-known/ssf-configuration');
    const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));
    const { sets, moreAvailable } = await poll();
    expect(moreAvailable).toBe(false);
    const told = [];
    for (const [jti, set] of Object.entries(sets)) {
      const { payload, protectedHeader } = await jwtVerify(set, keys, {
        issuer: configuration.issuer,
        audience: api.clientId,
        typ: 'secevent+jwt',
      });
      expect(protectedHeader.alg).toBe('ES256');
      expect(payload.jti).toBe(jti);
      // SSF 1.0 §4.1: neither can be taken for another kind of JWT.
      expect(payload).not.toHaveProperty('exp');
      expect(payload).not.toHaveProperty('sub');
      told.push(payload);
    }
    const { handle } = task.body.task;
    expect(told.map(({ sub_id }) => sub_id)).toEqual([
      { format: 'opaque', id: `task:${handle}` },
      { format: 'jwt_id', iss: server.issuer, jti: token.tokenId },
      { format: 'iss_sub', iss: server.issuer, sub: other.clientId },
    ]);
    const [first] = told;
    const happened = { event_timestamp: expect.any(Number) };
    expect(first?.['events']).toEqual({
      [SESSION_REVOKED]: happened,
      [HANDLE_REVOKED]: { ...happened, seq: expect.any(Number), kind: 'task', handle, epoch: 0 },
    });
  });

  test('is no access token, and an access token is none', async () => {
    await aRevokedTask();
    const [set = ''] = Object.values((await poll()).sets);
    expect(decodeProtectedHeader(set).typ).toBe('secevent+jwt');
    const used = await send(server, '/api/oauth/protected', { headers: { authorization: `Bearer ${set}` } });
    expect(used.status).toBe(401);
  });

  test('says nothing about why', async () => {
    const task = await open(server, agent);
    await asAdmin(server, 'POST', `/api/tasks/${task.taskId}/revoke`, { reason: 'a private matter' });
    const { sets } = await poll();
    expect(JSON.stringify(Object.values(sets).map((set) => decodeJwt(set)))).not.toContain('private');
  });
});

describe('polling', () => {
  test('sends again what was not acknowledged, and nothing else', async () => {
    await drain();
    const handles = [];
    for (let i = 0; i < 3; i += 1) handles.push((await aRevokedTask()).body.task.handle);
    const first = await poll();
    expect(handlesIn(first.sets)).toEqual(handles);
    expect(Object.keys((await poll()).sets)).toEqual(Object.keys(first.sets));
    const ids = Object.keys(first.sets);
    expect(handlesIn((await poll({ ...NOW, ack: ids.slice(0, 1) })).sets)).toEqual(handles.slice(1));
    // One that is acknowledged before its predecessor comes once more.
    expect(handlesIn((await poll({ ...NOW, ack: ids.slice(2) })).sets)).toEqual(handles.slice(1));
    expect(handlesIn((await poll({ ...NOW, ack: ids.slice(1) })).sets)).toEqual([]);
    // The position is the receiver's, and outlives requests.
    expect((await poll()).sets).toEqual({});
  });

  test('each receiver has a position of its own', async () => {
    await aRevokedTask();
    await drain();
    const other = await registerResourceServer(server);
    const { sets } = await poll(NOW, other);
    expect(Object.keys(sets).length).toBeGreaterThan(0);
    expect(new Set(Object.values(sets).map((set) => decodeJwt(set).aud))).toEqual(new Set([other.clientId]));
    await drain(other);
    expect((await poll(NOW, other)).sets).toEqual({});
  });

  test('sends at most maxEvents, and says that there are more', async () => {
    await drain();
    for (let i = 0; i < 3; i += 1) await aRevokedTask();
    const part = await poll({ ...NOW, maxEvents: 2 });
    expect([Object.keys(part.sets).length, part.moreAvailable]).toEqual([2, true]);
    const rest = await poll({ ...NOW, maxEvents: 2, ack: Object.keys(part.sets) });
    expect([Object.keys(rest.sets).length, rest.moreAvailable]).toEqual([1, false]);
    expect(await poll({ maxEvents: 0, ack: Object.keys(rest.sets) })).toEqual({
      sets: {},
      moreAvailable: false,
    });
  });

  test('waits for what is revoked, unless told to return immediately', async () => {
    await drain();
    const waiting = poll({});
    await setTimeout(100);
    const task = await aRevokedTask();
    expect(handlesIn((await waiting).sets)).toEqual([task.body.task.handle]);
  });

  test('what was not understood is logged, and not sent again', async () => {
    await drain();
    await aRevokedTask();
    const [id = ''] = Object.keys((await poll()).sets);
    const setErrs = { [id]: { err: 'jwtAud', description: 'not for us' } };
    expect((await poll({ ...NOW, setErrs })).sets).toEqual({});
  });

  test('needs the credentials of a resource server', async () => {
    expect((await postJson(server, '/api/revocations/poll', {})).status).toBe(401);
    expect((await postJson(server, '/api/revocations/poll', {}, agent.headers)).status).toBe(403);
  });

  test.each([{ maxEvents: -1 }, { ack: 'rev-1' }, { ack: [''] }, { unknown: 1 }])(
    '%j is refused',
    async (body) => {
      expect((await postJson(server, '/api/revocations/poll', body, api.headers)).status).toBe(400);
    },
  );
});

test('the configuration and the stream name the same issuer and endpoint', async () => {
  const { body: configuration, headers } = await send(server, '/.well-known/ssf-configuration');
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(configuration).toEqual({
    spec_version: '1_0',
    issuer: server.issuer,
    jwks_uri: `${server.issuer}/api/oauth/jwks`,
    delivery_methods_supported: ['urn:ietf:rfc:8936'],
    configuration_endpoint: `${server.issuer}/api/revocations/event-streams`,
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }, { spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'ALL',
  });
  const { body: streams } = await send(server, configuration.configuration_endpoint, {
    headers: api.headers,
  });
  expect(streams).toEqual([
    expect.objectContaining({
      stream_id: api.clientId,
      iss: server.issuer,
      aud: api.clientId,
      delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: `${server.issuer}/api/revocations/poll` },
      events_delivered: [SESSION_REVOKED, HANDLE_REVOKED],
    }),
  ]);
  expect(await send(server, streams[0].delivery.endpoint_url)).toMatchObject({
    status: 405,
  });
});
