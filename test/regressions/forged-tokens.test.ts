import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { bearer, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ADMIN,
  auditEvents,
  clientCredentials,
  DEAD,
  introspect,
  liveness,
  open,
  type OpenTask,
  revoke,
  tokenExchange,
} from '../support/token-requests.ts';

/** Cause (agentictrust): tokens were looked up by the id in their unverified payload, with a clock skew of the caller's choice. */
let server: TestServer;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
  task = await open(server, agent);
});
afterAll(() => server.stop());

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const parts = (token: string) =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));

function signed(header: object, payload: object, key: KeyObject): string {
  const text = `${encode(header)}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** Tokens with the id of a real one that this server did not sign. */
function forgeries(token: string): readonly (readonly [string, string])[] {
  const [header, payload] = parts(token);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [head, body, signature = ''] = token.split('.');
  const wider = { ...payload, scope: 'admin:write', exp: payload.exp + 86_400 };
  return [
    ['signed by a key of the forger', signed(header, payload, privateKey)],
    ['signed by a key of the forger, with more rights', signed(header, wider, privateKey)],
    ['with the signature of the real one over other claims', `${head}.${encode(wider)}.${signature}`],
    ['with a signature of zeros', `${head}.${body}.${'A'.repeat(86)}`],
    ['without a signature', `${head}.${body}.`],
    ['that says that it needs none', `${encode({ ...header, alg: 'none' })}.${body}.`],
    [
      'that names a key of its own',
      signed({ ...header, jwk: privateKey.export({ format: 'jwk' }) }, payload, privateKey),
    ],
  ];
}

describe('a forged token with the id of a real one', () => {
  test('was accepted: now every forgery is worth nothing at every door', async () => {
    for (const [how, forged] of forgeries(task.token)) {
      const {
        introspect: introspected,
        verify,
        protected: accepted,
      } = await liveness(server, { ...task, token: forged });
      expect({ how, introspected, verify, accepted }).toEqual({
        how,
        introspected: false,
        verify: false,
        accepted: false,
      });
    }
  });

  test('was accepted as a parent: now it is no parent at any grant', async () => {
    const form = { code_verifier: task.verifier };
    for (const [, forged] of forgeries(task.token)) {
      const exchanged = await tokenExchange(server, agent, forged, form);
      expect(exchanged.body).toMatchObject({ error: 'invalid_request', task_error: 'parent_invalid' });
      const derived = await clientCredentials(server, agent, { parent_token: forged, ...form });
      expect(derived.body).toMatchObject({ error: 'invalid_grant', task_error: 'parent_invalid' });
    }
  });

  test('could have been used to revoke the real one: now it revokes nothing', async () => {
    for (const [, forged] of forgeries(task.token)) {
      expect((await revoke(server, agent, forged)).body).toEqual({ revoked: false });
    }
    expect((await introspect(server, agent, task.token)).active).toBe(true);
  });

  test('left no trace: now the attempt is on record', async () => {
    const forged = forgeries(task.token)[0]?.[1] ?? '';
    const answer = await send(server, '/api/oauth/protected', {
      headers: { ...bearer(forged), 'x-task-id': task.taskId },
    });
    expect(answer.status).toBe(401);
    const events = await auditEvents(server, { event_type: 'request_refused' });
    expect(events.length).toBeGreaterThan(0);
  });
});

describe('the clock', () => {
  test('could be skewed by the caller: now no parameter makes an expired token live', async () => {
    const short = await open(server, agent, { task_expires_in: 60 });
    server.clock.advance(61);
    expect(await liveness(server, short)).toEqual(DEAD);
    for (const name of ['clock_skew', 'clock_tolerance', 'leeway', 'skew', 'now', 'ignore_expiration']) {
      const form = { token: short.token, [name]: '999999' };
      expect((await postForm(server, '/api/oauth/introspect', form, ADMIN.headers)).body).toEqual({
        active: false,
      });
      expect((await postForm(server, '/api/oauth/verify', form, ADMIN.headers)).body.is_valid).toBe(false);
      const child = await tokenExchange(server, agent, short.token, {
        code_verifier: short.verifier,
        [name]: '999999',
        ...pkce().parameters,
      });
      expect(child.body.task_error).toBe('parent_expired');
    }
  });
});
