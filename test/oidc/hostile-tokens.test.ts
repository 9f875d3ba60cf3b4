import { createHmac, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT, UnsecuredJWT } from 'jose';
import { type AgentParty, asAdmin, registerAgent } from '../support/parties.ts';
import { type Answer, bearer, postForm, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ADMIN,
  clientCredentials,
  eventually,
  introspect,
  open,
  type OpenTask,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let foreign: TestServer;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off' } });
  foreign = await startServer();
  agent = await registerAgent(server);
  task = await open(server, agent);
});
afterAll(() => Promise.all([server.stop(), foreign.stop()]));

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Values that are no token of this server, however close they come. */
async function hostile(): Promise<Record<string, string>> {
  const [header = '', payload = '', signature = ''] = task.token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { body: jwks } = await send(server, '/api/oauth/jwks');
  const theirs = await open(foreign, await registerAgent(foreign));
  const sign = (over: object, headerOver: object = {}) =>
    new SignJWT({ ...claims, ...over })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...headerOver })
      .sign(privateKey);
  const hmac = (secret: string) => {
    const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  return {
    'signed by another key': await sign({}),
    'widened and signed by another key': await sign({
      scope: 'admin:read admin:write',
      aud: server.apiAudience,
    }),
    'with its own key in the header': await sign({}, { jwk: privateKey.export({ format: 'jwk' }) }),
    'with a key to be fetched': await sign({}, { jku: 'https://evil.example/jwks', kid: 'evil' }),
    unsigned: new UnsecuredJWT(claims).encode(),
    'unsigned in capitals': `${part({ alg: 'NONE', typ: 'at+jwt', kid })}.${payload}.`,
    'without its signature': `${header}.${payload}.`,
    'with the public key as an HMAC secret': hmac(JSON.stringify(jwks.keys[0])),
    'with an empty HMAC secret': hmac(''),
    'with another payload under the old signature': `${header}.${part({ ...claims, scope: 'admin:write' })}.${signature}`,
    'with a signature in another spelling': `${header}.${payload}.${signature}=`,
    'of another type': `${part({ alg: 'ES256', typ: 'JWT', kid })}.${payload}.${signature}`,
    'with a critical extension': `${part({ alg: 'ES256', typ: 'at+jwt', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`,
    'with its id in a path': `${part({ alg: 'ES256', typ: 'at+jwt', kid: '../../../dev/null' })}.${payload}.${signature}`,
    'of another server': theirs.token,
    'that is only its public id': task.tokenId,
    'that is the handle of its task': task.body.task.handle,
    'that is JSON': JSON.stringify(claims),
    'of dots': '...',
    'of five parts': 'a.b.c.d.e',
    'that is very long': 'x'.repeat(9000),
  };
}

/** Every door that takes a token, and what it says to one that is none. */
const doors: Record<string, (value: string) => Promise<Answer>> = {
  introspect: (token) => postForm(server, '/api/oauth/introspect', { token }, ADMIN.headers),
  revoke: (token) => postForm(server, '/api/oauth/revoke', { token }, ADMIN.headers),
  verify: (token) => postForm(server, '/api/oauth/verify', { token }, ADMIN.headers),
  protected: (token) =>
    send(server, '/api/oauth/protected', { headers: { ...bearer(token), 'x-task-id': task.taskId } }),
  admin: (token) => send(server, '/api/admin/tokens', { headers: bearer(token) }),
  tasks: (token) => postJson(server, `/api/tasks/${task.taskId}/revoke`, {}, bearer(token)),
  userinfo: (token) => send(server, '/api/oauth/userinfo', { headers: bearer(token) }),
  'registration management': (token) =>
    send(server, `/api/oauth/register/${agent.clientId}`, { headers: bearer(token) }),
  registration: (token) => postJson(server, '/api/oauth/register', { redirect_uris: [] }, bearer(token)),
  subject_token: (token) => tokenExchange(server, agent, token, { code_verifier: task.verifier }),
  parent_token: (token) =>
    clientCredentials(server, agent, { parent_token: token, code_verifier: task.verifier }),
};

/** RFC 6750 §3.1 tells a malformed request (400) from a token that is none (401). */
const REFUSED = { asymmetricMatch: (status: number) => status === 400 || status === 401 };

const EXPECTED: Record<string, object> = {
  introspect: { status: 200, body: { active: false } },
  revoke: { status: 200, body: { revoked: false } },
  verify: { status: 200, body: { is_valid: false } },
  protected: { status: 401 },
  admin: { status: 401 },
  tasks: { status: 401 },
  userinfo: { status: REFUSED },
  'registration management': { status: REFUSED },
  registration: { status: 401 },
  subject_token: { status: 400, body: { error: 'invalid_request', task_error: 'parent_invalid' } },
  parent_token: { status: 400, body: { error: 'invalid_grant', task_error: 'parent_invalid' } },
};

describe.each(Object.keys(doors))('at the door %s', (door) => {
  test('no value passes for a token but the token', async () => {
    const knock = doors[door];
    for (const [what, value] of Object.entries(await hostile())) {
      // What cannot be a header value is no request at all.
      const answer = await knock?.(value).catch(() => undefined);
      if (answer) expect({ what, ...answer }).toMatchObject({ what, ...EXPECTED[door] });
    }
  });
});

describe('each door', () => {
  // What strangers are refused is recorded one by one only so often in a minute (R15).
  beforeAll(() => server.clock.advance(61));

  test.each(Object.keys(doors))('remembers that somebody knocked with a forged token: %s', async (door) => {
    const forged = (await hostile())['signed by another key'] ?? '';
    const id = (await doors[door]?.(forged))?.headers.get('x-request-id');
    const found = await eventually(
      async () => {
        const { body } = await asAdmin(server, 'GET', '/api/admin/audit/logs?limit=50');
        return body.logs.find((event: { request_id: string }) => event.request_id === id);
      },
      (event) => event !== undefined,
    );
    expect(found).toMatchObject({ request_id: id, status: 'refused', reason: expect.any(String) });
    expect(JSON.stringify(found)).not.toContain(forged);
  });
});

describe('the genuine token', () => {
  test('is still alive after all that', async () => {
    expect((await introspect(server, agent, task.token)).active).toBe(true);
  });

  test('is as dead as any other once it has expired, and can still be revoked', async () => {
    server.clock.advance(3601);
    const expired = { status: 400, body: { task_error: 'parent_expired' } };
    const { revoke, ...others } = doors;
    for (const [door, knock] of Object.entries(others)) {
      const expected = door.endsWith('_token') ? expired : EXPECTED[door];
      expect({ door, ...(await knock(task.token)) }).toMatchObject({ door, ...expected });
    }
    expect(await revoke?.(task.token)).toMatchObject({ status: 200, body: { revoked: true } });
  });
});
