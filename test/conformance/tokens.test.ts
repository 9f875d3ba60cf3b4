import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import {
  type AgentParty,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { type Form, postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials, delegate, derive, introspect, open, revoke } from '../support/token-requests.ts';
import { expectGolden } from './golden.ts';

let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let api: ResourceServerParty;
let opaque: ResourceServerParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
  helper = await registerAgent(server);
  api = await registerResourceServer(server, {
    audiences: ['https://api.example.com/v1', 'https://files.example.com'],
  });
  opaque = await registerResourceServer(server, { token_format: 'opaque' });
});
afterAll(() => server.stop());

const ask = (form: Form) => clientCredentials(server, agent, { ...pkce().parameters, ...form });

function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

describe('the audience of a token', () => {
  test('[S11] is the resource that was asked for, in its registered spelling', async () => {
    for (const resource of ['https://api.example.com/v1', 'https://api.example.com/v1/']) {
      const { body } = await ask({ resource });
      expect(claimsOf(body.access_token).aud).toBe('https://api.example.com/v1');
    }
  });

  test.each([
    'https://unknown.example.com',
    'https://api.example.com',
    'https://api.example.com/v1#fragment',
    'not a uri',
    '/relative',
  ])('[S11] is never an unregistered one: %s', async (resource) => {
    expect(await ask({ resource })).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  test('[S12] is the default one where none is named', async () => {
    const { body } = await ask({});
    expect(claimsOf(body.access_token).aud).toBe(server.defaultAudience);
  });

  test('[R12] is one of several that were granted, and another one can be had later', async () => {
    const resource = ['https://api.example.com/v1', 'https://files.example.com'];
    const proof = pkce();
    const { body } = await clientCredentials(server, agent, { resource, ...proof.parameters });
    expect(claimsOf(body.access_token).aud).toBe(resource[0]);
    expect(body.task.audiences).toEqual(resource);
    const more = { task_id: body.task_id, code_verifier: proof.verifier, resource: resource[1] };
    const second = await clientCredentials(server, agent, more);
    expect(claimsOf(second.body.access_token).aud).toBe(resource[1]);
  });
});

describe('a JWT access token', () => {
  test('[S13] is typed, signed asymmetrically and complete (RFC 9068 §2)', async () => {
    const task = await open(server, agent, { scope: 'reports:read' });
    expect(decodeProtectedHeader(task.token)).toEqual({
      alg: 'ES256',
      typ: 'at+jwt',
      kid: expect.any(String),
    });
    const claims = claimsOf(task.token);
    expect(claims).toMatchObject({
      iss: server.issuer,
      sub: agent.clientId,
      client_id: agent.clientId,
      aud: server.defaultAudience,
      jti: task.tokenId,
      scope: 'reports:read',
      txn: task.taskId,
    });
    expect(claims.exp - claims.iat).toBe(600);
  });

  test('[S14] keeps people and clients apart in sub', async () => {
    const { userId } = await createPerson(server);
    expect(userId).toMatch(/^usr_/);
    for (const { clientId } of [agent, api]) expect(clientId).not.toMatch(/^usr_/);
  });

  test('has the claims of a child that the SDK expects, unless a change is meant', async () => {
    const root = await open(server, agent, { scope: 'reports:read', delegates: helper.clientId });
    const child = await delegate(server, root, helper, {
      authorization_details: JSON.stringify([{ type: 'agent_task', actions: ['search'] }]),
    });
    const names = new Map([
      [server.issuer, 'https://issuer.example'],
      [agent.clientId, 'agt_parent'],
      [helper.clientId, 'agt_child'],
      [root.taskId, 'task-root'],
      [child.taskId, 'task-child'],
      [root.tokenId, 'token-root'],
      [child.tokenId, 'token-child'],
      [child.body.task.handle, 'handle-child'],
      [root.body.task.handle, 'handle-root'],
    ]);
    const claims = claimsOf(child.token);
    names.set(claims.task.lineage[0].grant, 'grant-root');
    names.set(claims.task.grant, 'grant-child');
    let text = JSON.stringify({ ...claims, iat: 0, exp: 600, task: { ...claims.task, expires_at: 3600 } });
    for (const [actual, name] of names) text = text.replaceAll(actual, name);
    expectGolden('access-token-claims', JSON.parse(text));
  });

  test('[R5] carries ancestors only, root first, and no description or list that could be large', async () => {
    const root = await open(server, agent, { task_description: 'Something long and private' });
    const child = await derive(server, await derive(server, root));
    const claims = claimsOf(child.token);
    expect(claims.task.lineage).toHaveLength(2);
    expect(claims.task.lineage[0]).toEqual({
      task: root.body.task.handle,
      via: root.tokenId,
      client: agent.clientId,
      grant: expect.any(String),
      epoch: 0,
    });
    expect(JSON.stringify(claims)).not.toMatch(/private|summarise/);
  });
});

describe('an opaque access token', () => {
  test('says nothing by itself and everything at introspection', async () => {
    const { body } = await ask({ resource: opaque.audience, scope: 'reports:read' });
    expect(body.access_token).not.toContain('.');
    const seen = await introspect(server, opaque, body.access_token);
    expect(seen).toMatchObject({
      active: true,
      aud: opaque.audience,
      scope: 'reports:read',
      token_id: body.token_id,
    });
    await revoke(server, agent, body.access_token);
    expect(await introspect(server, opaque, body.access_token)).toEqual({ active: false });
  });

  test('[R3] its public id is never accepted as a token', async () => {
    const { body } = await ask({ resource: opaque.audience });
    expect(await introspect(server, opaque, body.token_id)).toEqual({ active: false });
  });
});

describe('a token response', () => {
  test('[S16] is not stored, names the scope, and ignores parameters it does not know', async () => {
    const { status, headers, body } = await ask({
      scope: 'reports:read',
      something_else: 'x',
      ui_locales: 'de',
    });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.scope).toBe('reports:read');
  });

  test('[S16] an unknown parameter of any kind changes nothing (RFC 6749 §3.2)', async () => {
    const { body } = await ask({ request_uri: undefined, audience_hint: 'x', '': '' });
    expect(body.token_type).toBe('Bearer');
  });

  test('[S16] a parameter sent empty counts as not sent (RFC 6749 §3.2)', async () => {
    const { status, body } = await ask({ scope: '', resource: '', task_id: '' });
    expect({ status, scope: body.scope }).toEqual({
      status: 200,
      scope: 'reports:read reports:write example:read',
    });
  });
});

describe('introspection', () => {
  test('[S18] needs an authenticated caller', async () => {
    const task = await open(server, agent);
    for (const headers of [
      {},
      { authorization: 'Basic bm9ib2R5Om5vdGhpbmc=' },
      { authorization: `Bearer ${task.token}` },
    ]) {
      const answer = await postForm(server, '/api/oauth/introspect', { token: task.token }, headers);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toHaveProperty('active');
    }
  });

  test('[S18] shows a resource server tokens of its own audiences only', async () => {
    const mine = await open(server, agent, { resource: 'https://files.example.com' });
    expect(await introspect(server, api, mine.token)).toMatchObject({
      active: true,
      task: { state: 'active' },
    });
    expect(await introspect(server, opaque, mine.token)).toEqual({ active: false });
  });

  test('[S18] [R13] shows it no siblings, children or history', async () => {
    const root = await open(server, agent, { resource: 'https://files.example.com' });
    await derive(server, root);
    const more = { include_task_history: 'true', include_children: 'true' };
    const seen = await introspect(server, api, root.token, more);
    for (const name of ['task_history', 'task_chain', 'children']) expect(seen).not.toHaveProperty(name);
  });

  test('[S18] does not tell a foreign token from an unknown one', async () => {
    const task = await open(server, agent);
    const foreign = await postForm(server, '/api/oauth/introspect', { token: task.token }, opaque.headers);
    const unknown = await postForm(server, '/api/oauth/introspect', { token: 'unknown' }, opaque.headers);
    expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
  });
});
