import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentParty,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { type Form, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  clientCredentials,
  introspect,
  open,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let api: ResourceServerParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
  other = await registerAgent(server);
  api = await registerResourceServer(server);
});
afterAll(() => server.stop());

/** client_credentials with one `agent_task` object. */
function detailed(object: Record<string, unknown>, form: Form = {}) {
  const details = JSON.stringify([{ type: 'agent_task', ...object }]);
  return clientCredentials(server, agent, {
    ...pkce().parameters,
    authorization_details: details,
    ...form,
  });
}

/** What both forms decide, without what differs from token to token. */
function authority(body: Awaited<ReturnType<typeof detailed>>['body']) {
  const { scope, granted_tools: tools, granted_resources: resources, task } = body;
  const { description, audiences, delegates, max_depth: depth, max_children: children } = task;
  return { scope, tools, resources, description, audiences, delegates, depth, children };
}

describe('[R12] two forms with one meaning', () => {
  const simple = () => ({
    task_description: 'Summarise the quarter',
    required_tools: ['search', 'summarise'],
    resource: api.audience,
    delegates: other.clientId,
    max_depth: 3,
    max_children: 5,
  });
  const standard = () => ({
    description: 'Summarise the quarter',
    actions: ['search', 'summarise'],
    locations: [api.audience],
    delegation: { max_depth: 3, max_children: 5, allowed_delegates: [other.clientId] },
  });

  test('the simple parameters and the RFC 9396 object give the same task', async () => {
    const first = await clientCredentials(server, agent, { ...pkce().parameters, ...simple() });
    const second = await detailed(standard());
    expect(first.status).toBe(200);
    expect(authority(second.body)).toEqual(authority(first.body));
    expect(first.body).not.toHaveProperty('authorization_details');
  });

  test('an answer to the standard form says what was granted in the standard form (RFC 9396 §7)', async () => {
    const { body } = await detailed({ identifier: 'quarter-3', ...standard() });
    expect(body.task_id).toBe('quarter-3');
    expect(body.authorization_details).toEqual([
      expect.objectContaining({
        type: 'agent_task',
        identifier: 'quarter-3',
        actions: ['search', 'summarise'],
        locations: [api.audience],
      }),
    ]);
    const seen = await introspect(server, api, body.access_token);
    expect(seen.authorization_details).toEqual(body.authorization_details);
  });

  test('both forms at once are fine while they agree', async () => {
    const both = await detailed(standard(), { ...simple(), required_tools: ['summarise', 'search'] });
    expect(both.status).toBe(200);
  });

  test.each([
    ['task ids', { identifier: 'one' }, { task_id: 'two' }],
    ['descriptions', { description: 'one' }, { task_description: 'two' }],
    ['tools', { actions: ['search'] }, { required_tools: 'mail' }],
    ['delegates', { delegation: { allowed_delegates: ['one'] } }, { delegates: 'two' }],
    ['depths', { delegation: { max_depth: 1 } }, { max_depth: 2 }],
    ['fan-outs', { delegation: { max_children: 1 } }, { max_children: 2 }],
  ])('different %s are refused, by the name of the parameter', async (_what, object, form) => {
    const { status, body } = await detailed(object, form);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect(body.error_description).toMatch(new RegExp(`^${Object.keys(form)[0]} differs`));
  });

  test('different audiences are refused', async () => {
    const { body } = await detailed({ locations: [api.audience] }, { resource: server.defaultAudience });
    expect(body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringMatching(/^resource differs/),
    });
  });

  test('a child in the standard form that names no location keeps its parent’s audience', async () => {
    const root = await open(server, agent, { resource: api.audience });
    const child = await tokenExchange(server, agent, root.token, {
      code_verifier: root.verifier,
      authorization_details: JSON.stringify([{ type: 'agent_task', actions: ['search'] }]),
    });
    expect(child.status).toBe(200);
    expect(child.body.task.audiences).toEqual([api.audience]);
  });

  test.each([
    ['an unknown type', [{ type: 'payment' }]],
    ['an unknown member', [{ type: 'agent_task', budget: 5 }]],
    ['a member of the wrong type', [{ type: 'agent_task', actions: 'search' }]],
    ['a member of the wrong type further in', [{ type: 'agent_task', delegation: { max_depth: '3' } }]],
    ['two objects', [{ type: 'agent_task' }, { type: 'agent_task' }]],
    ['no list', { type: 'agent_task' }],
    ['no type', [{ actions: ['search'] }]],
    ['text', 'agent_task'],
  ])('[S26] refuses %s (RFC 9396 §5)', async (_what, details) => {
    const { status, body } = await clientCredentials(server, agent, {
      ...pkce().parameters,
      authorization_details: JSON.stringify(details),
    });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_authorization_details' });
  });

  test('refuses details that are no JSON', async () => {
    const form = { ...pkce().parameters, authorization_details: '[{' };
    const { body } = await clientCredentials(server, agent, form);
    expect(body).toMatchObject({ error: 'invalid_authorization_details' });
  });
});

describe('a JSON body', () => {
  const ask = (body: Record<string, unknown>) =>
    postJson(server, TOKEN_PATH, { grant_type: 'client_credentials', ...body }, agent.headers);

  test('means what the form means', async () => {
    const { status, body } = await ask({
      ...pkce().parameters,
      scope: ['reports:read', 'reports:write'],
      required_tools: ['search'],
      task_expires_in: 120,
      authorization_details: [{ type: 'agent_task', description: 'Read' }],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      scope: 'reports:read reports:write',
      granted_tools: ['search'],
      task: { description: 'Read' },
    });
  });

  test('may carry the credentials of the client', async () => {
    const { status } = await postJson(server, TOKEN_PATH, {
      grant_type: 'client_credentials',
      client_id: agent.clientId,
      client_secret: agent.clientSecret,
      ...pkce().parameters,
    });
    expect(status).toBe(200);
  });

  test('derives a child by token exchange', async () => {
    const root = await open(server, agent);
    const { status, body } = await ask({
      grant_type: TOKEN_EXCHANGE,
      subject_token: root.token,
      subject_token_type: ACCESS_TOKEN,
      code_verifier: root.verifier,
      required_tools: [],
    });
    expect({ status, tools: body.granted_tools }).toEqual({ status: 200, tools: [] });
  });

  test('[R1] says none by an empty list, which is not the same as saying nothing', async () => {
    const none = await ask({ ...pkce().parameters, required_tools: [], required_resources: [] });
    expect(none.body).toMatchObject({ granted_tools: [], granted_resources: [] });
    const silent = await ask(pkce().parameters);
    expect(silent.body.granted_tools).toEqual(['search', 'summarise', 'mail']);
    const empty = await detailed({ actions: [] });
    expect(empty.body.granted_tools).toEqual([]);
  });

  test.each([
    ['an object', { scope: { read: true } }],
    ['a list of numbers', { required_tools: [1, 2] }],
    ['a list where one value belongs', { task_id: ['one', 'two'] }],
  ])('refuses a parameter that is %s', async (_what, member) => {
    const { status, body } = await ask({ ...pkce().parameters, ...member });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  });
});
