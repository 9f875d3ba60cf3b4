import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent, registerResourceServer } from '../support/parties.ts';
import { type Answer, bearer, type Form, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

/** The error table of the design, row by row, at both doors to a child task. */
let server: TestServer;
let agent: AgentParty;
let stranger: AgentParty;
let elsewhere: string;
let root: OpenTask;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
    permissions: ['reports:read', 'reports:write', 'example:read', 'files:read'],
  });
  stranger = await registerAgent(server);
  elsewhere = (await registerResourceServer(server)).audience;
  root = await open(server, agent, { scope: 'reports:read', required_tools: 'search' });
});
afterAll(() => server.stop());

interface Door {
  readonly name: string;
  derive(by: AgentParty, parent: string, form: Form): Promise<Answer>;
  /** RFC 8693 §2.2.2: token exchange has no invalid_grant for a bad subject token. */
  readonly badParent: 'invalid_grant' | 'invalid_request';
}

const doors: Door[] = [
  {
    name: 'client_credentials with parent_token',
    derive: (by, parent, form) => clientCredentials(server, by, { parent_token: parent, ...form }),
    badParent: 'invalid_grant',
  },
  {
    name: 'token exchange',
    derive: (by, parent, form) => tokenExchange(server, by, parent, form),
    badParent: 'invalid_request',
  },
];

/** Standard code, `task_error`, and the reason at the start of `error_description` (RFC 6749 §5.2 characters only). */
function expectRefused({ status, headers, body }: Answer, error: string, taskError: string): void {
  expect({ status, error: body.error, task_error: body.task_error }).toEqual({
    status: 400,
    error,
    task_error: taskError,
  });
  expect(body.error_description.startsWith(`${taskError}: `)).toBe(true);
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
  expect(headers.get('cache-control')).toBe('no-store');
}

describe.each(doors)('a child asked for by $name', (door) => {
  const child = (form: Form = {}, parent = root) =>
    door.derive(parent.agent, parent.token, { code_verifier: parent.verifier, ...form });

  test.each([
    ['unknown', 'nobody-ever-issued-this'],
    ['malformed', 'a.b.c'],
    ['forged', 'eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJqdGkiOiJ4In0.'],
    ['empty but for a dot', '.'],
  ])('a parent that is %s', async (_what, parent) => {
    expectRefused(await door.derive(agent, parent, {}), door.badParent, 'parent_invalid');
  });

  test('a parent that is only the public id of a token, or a refresh token', async () => {
    expectRefused(await door.derive(agent, root.tokenId, {}), door.badParent, 'parent_invalid');
    const refresh: string = root.body.refresh_token;
    expectRefused(await door.derive(agent, refresh, {}), door.badParent, 'parent_invalid');
  });

  test('a parent that is revoked', async () => {
    const parent = await open(server, agent);
    await revoke(server, agent, parent.token);
    expectRefused(await child({}, parent), door.badParent, 'parent_revoked');
  });

  test('a parent whose own parent is revoked', async () => {
    const above = await open(server, agent);
    const parent = await derive(server, above);
    await revoke(server, agent, above.token);
    expectRefused(await child({}, parent), door.badParent, 'parent_revoked');
  });

  test('a client that is neither the parent’s nor its delegate', async () => {
    const form = pkce().parameters;
    expectRefused(await door.derive(stranger, root.token, form), door.badParent, 'actor_not_permitted');
  });

  test('a parent_task_id that is not the parent’s', async () => {
    const another = await open(server, agent);
    expectRefused(await child({ parent_task_id: another.taskId }), door.badParent, 'parent_mismatch');
    expect((await child({ parent_task_id: root.taskId })).status).toBe(200);
  });

  test('a wider scope, which is refused and never cut silently', async () => {
    const asked = await child({ scope: 'reports:read reports:write' });
    expectRefused(asked, 'invalid_scope', 'not_subset');
    expect(asked.body.error_description).toContain('reports:write');
    expectRefused(await child({ scope: 'reports:*' }), 'invalid_scope', 'not_subset');
  });

  test('wider details: tools, resources and delegates', async () => {
    const code = 'invalid_authorization_details';
    expectRefused(await child({ required_tools: 'search mail' }), code, 'not_subset');
    expectRefused(await child({ delegates: stranger.clientId }), code, 'not_subset');
    const details = JSON.stringify([{ type: 'agent_task', actions: ['search', 'mail'] }]);
    expectRefused(await child({ authorization_details: details }), code, 'not_subset');
    const narrow = await derive(server, root, { required_resources: 'q1' });
    expectRefused(await child({ required_resources: 'q2' }, narrow), code, 'not_subset');
  });

  test('another audience', async () => {
    expectRefused(await child({ resource: elsewhere }), 'invalid_target', 'not_subset');
  });

  test('[S11] an audience that nobody registered', async () => {
    const { status, body } = await child({ resource: 'https://unknown.example.com' });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
  });

  test('too deep', async () => {
    const flat = await open(server, agent, { max_depth: 0 });
    expectRefused(await child({}, flat), 'invalid_request', 'max_depth_exceeded');
    expectRefused(await child({ max_depth: 16 }), 'invalid_request', 'max_depth_exceeded');
  });

  test('too many children', async () => {
    const narrow = await open(server, agent, { max_children: 1 });
    expect((await child({}, narrow)).status).toBe(200);
    expectRefused(await child({}, narrow), 'invalid_request', 'fanout_exceeded');
  });

  test('a verifier that is missing or wrong', async () => {
    const missing = await door.derive(agent, root.token, {});
    expectRefused(missing, 'invalid_grant', 'verifier_mismatch');
    const wrong = await child({ code_verifier: pkce().verifier });
    expectRefused(wrong, 'invalid_grant', 'verifier_mismatch');
  });

  test('a challenge by the plain method', async () => {
    const form = { code_challenge: pkce().challenge, code_challenge_method: 'plain' };
    expectRefused(await child(form), 'invalid_request', 'challenge_required');
  });

  test('an expired parent', async () => {
    const short = await open(server, agent, { task_expires_in: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expectRefused(await child({}, short), door.badParent, 'parent_expired');
  });
});

describe('a task_id', () => {
  test('that another agent has is taken, whatever is sent with it', async () => {
    const proof = pkce();
    const asked = { task_id: root.taskId, ...proof.parameters };
    expectRefused(await clientCredentials(server, stranger, asked), 'invalid_request', 'task_id_taken');
    const stolen = { task_id: root.taskId, code_verifier: root.verifier };
    expectRefused(await clientCredentials(server, stranger, stolen), 'invalid_request', 'task_id_taken');
  });

  test('is never used twice for children by token exchange', async () => {
    const first = await derive(server, root);
    const again = await tokenExchange(server, agent, root.token, {
      task_id: first.taskId,
      code_verifier: root.verifier,
    });
    expectRefused(again, 'invalid_request', 'task_id_taken');
  });

  test('of a task that has ended gets no further token and stays taken', async () => {
    const task = await open(server, agent, { task_id: 'weekly-report' });
    const path = `/api/tasks/${task.taskId}/complete`;
    await postJson(server, path, { code_verifier: task.verifier }, bearer(task.token));
    const rejoin = { task_id: 'weekly-report', code_verifier: task.verifier };
    expectRefused(await clientCredentials(server, agent, rejoin), 'invalid_grant', 'task_not_active');
  });
});

describe('a refusal', () => {
  test('[S17] of a wrong secret says nothing more, challenges, and is recorded', async () => {
    const wrong = { headers: { authorization: `Basic ${btoa(`${agent.clientId}:wrong`)}` } };
    const { status, headers, body } = await requestToken(server, wrong, { grant_type: 'client_credentials' });
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
    expect(headers.get('www-authenticate')).toMatch(/^Basic /);
    const [event] = await auditEvents(server, { event_type: 'client_authentication_failed' });
    expect(event).toMatchObject({ status: 'refused', actor: null });
  });

  test('[R11] of a client whose grant types do not include the asked one is unauthorized_client', async () => {
    const narrow = await registerAgent(server, { grant_types: ['client_credentials'] });
    const task = await open(server, narrow);
    const { status, body } = await tokenExchange(server, narrow, task.token, {
      code_verifier: task.verifier,
    });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'unauthorized_client' });
  });

  test('of an unknown grant type is unsupported_grant_type', async () => {
    const { status, body } = await requestToken(server, agent, { grant_type: 'password', username: 'ada' });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'unsupported_grant_type' });
  });

  test('is recorded with who, what and why', async () => {
    await clientCredentials(server, agent, { scope: 'admin:write', ...pkce().parameters });
    const [event] = await auditEvents(server, { event_type: 'token_refused', client_id: agent.clientId });
    expect(event).toMatchObject({
      actor: agent.clientId,
      client_id: agent.clientId,
      status: 'refused',
      reason: expect.stringContaining('invalid_scope'),
      details: { grant_type: 'client_credentials', scope: 'admin:write' },
    });
  });
});
