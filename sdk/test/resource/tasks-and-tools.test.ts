import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Guard, protect } from '@taskgrant/sdk/resource';
import {
  administer,
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { delegate, derive, open, type OpenTask } from '../../../test/support/token-requests.ts';
import { guardOf, withToken } from './protected-api.ts';

/** What a request says of its task, and what the task may use; as the server's own example API decides. */
let server: TestServer;
let api: ResourceServerParty;
let planner: AgentParty;
let helper: AgentParty;
let root: OpenTask;
let child: OpenTask;
let handed: OpenTask;

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
  [planner, helper] = await Promise.all([registerAgent(server), registerAgent(server)]);
  const form = { scope: 'reports:read', resource: api.audience, delegates: helper.clientId };
  root = await open(server, planner, { ...form, required_tools: ['search', 'mail'] });
  child = await derive(server, root, { required_tools: 'search' });
  handed = await delegate(server, root, helper, { required_tools: 'mail' });
});
afterAll(() => server.stop());

describe.each(['live', 'introspection', 'offline'] as const)('with mode %s', (mode) => {
  let guard: Guard;
  let needing: Guard;

  beforeAll(() => {
    guard = guardOf(server, api, { mode });
    needing = guard.requiring({ task: 'required' });
  });
  afterAll(() => guard.close());

  const ask = (by: Guard, { token }: OpenTask, headers = {}) => by.authenticate(withToken(token, headers));

  test('a request must say which task it is for, where that is required', async () => {
    expect(await ask(guard, root)).toMatchObject({ accepted: true });
    expect(await ask(needing, root)).toMatchObject({ status: 400, reason: 'task_required' });
    expect(await ask(needing, root, { 'x-task-id': '' })).toMatchObject({
      status: 400,
      reason: 'task_required',
    });
    expect(await ask(needing, root, { 'x-task-id': root.taskId })).toMatchObject({ accepted: true });
    expect(await ask(guard, root, { 'x-task-id': 'no task/id' })).toMatchObject({
      status: 400,
      reason: 'task_malformed',
    });
  });

  test('what it says must be so', async () => {
    for (const [below, via] of [
      [child, root.tokenId],
      [handed, handed.body.parent_token_id],
    ] as const) {
      const told = { 'x-task-id': below.taskId, 'x-parent-task-id': root.taskId, 'x-parent-token-id': via };
      expect(await ask(needing, below, told)).toMatchObject({
        accepted: true,
        access: { task: { id: below.taskId, parentId: root.taskId, parentTokenId: via, depth: 1 } },
      });
      for (const header of Object.keys(told)) {
        expect(await ask(guard, below, { ...told, [header]: 'another' })).toMatchObject({
          status: 403,
          reason: 'task_mismatch',
          body: { code: 'forbidden', header: expect.stringMatching(new RegExp(`^${header}$`, 'i')) },
        });
      }
    }
    expect(await ask(guard, root, { 'x-parent-task-id': child.taskId })).toMatchObject({ status: 403 });
  });

  test('a tool must have been granted to the very task', async () => {
    const searching = guard.requiring({ scope: 'reports:read', tool: 'search' });
    const mailing = guard.requiring({ tool: 'mail' });
    expect(await ask(searching, root)).toMatchObject({
      accepted: true,
      access: { tools: ['search', 'mail'] },
    });
    expect(await ask(searching, child)).toMatchObject({ accepted: true, access: { tools: ['search'] } });
    expect(await ask(mailing, child)).toMatchObject({
      status: 403,
      reason: 'tool_not_granted',
      body: { code: 'tool_not_granted', tool: 'mail' },
    });
    expect(await ask(mailing, handed)).toMatchObject({ accepted: true });
  });

  test('scopes are checked before tools, all of them, wildcards included', async () => {
    const both = guard.requiring({ scope: ['reports:read', 'reports:write'], tool: 'mail' });
    expect(await ask(both, child)).toMatchObject({ status: 403, reason: 'scope_insufficient' });
    const wide = await registerAgent(server, { permissions: ['reports:*'], allowed_tools: ['mail'] });
    const everything = await open(server, wide, {
      scope: 'reports:*',
      resource: api.audience,
      required_tools: 'mail',
    });
    expect(await ask(both, everything)).toMatchObject({ accepted: true, access: { scope: ['reports:*'] } });
    const none = guard.requiring({});
    expect(await ask(none, child)).toMatchObject({ accepted: true });
  });
});

test('tools are asked about once for each token; a token that ended meanwhile gets in nowhere', async () => {
  const asked: string[] = [];
  const watched: typeof fetch = (input, init) => {
    asked.push(new URL(input).pathname);
    return fetch(input, init);
  };
  const guard = guardOf(server, api, { mode: 'offline', tool: 'search', fetch: watched });
  const mine = await open(server, planner, {
    scope: 'reports:read',
    resource: api.audience,
    required_tools: 'search',
  });
  for (let i = 0; i < 3; i += 1)
    expect(await guard.authenticate(withToken(mine.token))).toMatchObject({ accepted: true });
  expect(asked.filter((path) => path.endsWith('/introspect'))).toHaveLength(1);
  const over = await open(server, planner, {
    scope: 'reports:read',
    resource: api.audience,
    required_tools: 'search',
  });
  await administer(server, 'POST', `/api/tasks/${over.taskId}/revoke`, {});
  expect(await guard.authenticate(withToken(over.token))).toMatchObject({
    status: 401,
    reason: 'token_revoked',
  });
  guard.close();
});

describe('options that cannot be meant', () => {
  const good = { issuer: 'https://auth.example.com', audience: 'https://api.example.com' };
  const credentials = { clientId: 'rs', clientSecret: 'secret' };

  test.each([
    ['mode live needs credentials', good],
    ['fallback introspection needs credentials', { ...good, mode: 'offline', fallback: 'introspection' }],
    [
      'tool, which the token itself does not tell, needs credentials',
      { ...good, mode: 'offline', tool: 'search' },
    ],
    ['issuer must be an https URL', { ...good, issuer: 'http://auth.example.com', credentials }],
    ['issuer must be a URL', { ...good, issuer: 'auth', credentials }],
    ['no slash at its end', { ...good, issuer: 'https://auth.example.com/', credentials }],
    ['audience must be given', { ...good, audience: '', credentials }],
    ['publicUrl must be given', { ...good, audience: 'urn:reports', credentials }],
    ['publicUrl must have no query', { ...good, publicUrl: 'https://api.example.com/v1?all', credentials }],
    ['publicUrl must have no query', { ...good, publicUrl: 'https://api.example.com/v1#', credentials }],
    ['issuer must hold no credentials', { ...good, issuer: 'https://a:b@auth.example.com', credentials }],
    ['algorithms must be asymmetric: HS256', { ...good, algorithms: ['ES256', 'HS256'], credentials }],
    ['algorithms must be asymmetric: none', { ...good, algorithms: ['none'], credentials }],
    ['maxAge must be a number', { ...good, maxAge: -1, credentials }],
    ['mode must be live or offline or introspection', { ...good, mode: 'blind', credentials }],
    ['credentials must have', { ...good, credentials: { clientId: 'rs', clientSecret: '' } }],
    ['jwks must be an https URL', { ...good, credentials, endpoints: { jwks: 'http://keys.example.com' } }],
    ['scope must name scopes', { ...good, credentials, scope: ['two words'] }],
  ])('%s', (fault, options) => {
    expect(() => protect(options as never)).toThrow(fault);
  });

  test('are listed together, and no secret is in what is said', () => {
    const options = {
      ...good,
      issuer: 'nowhere',
      audience: '',
      credentials: { clientId: '', clientSecret: 'hidden' },
    };
    expect(() => protect(options)).toThrow(
      /issuer must be a URL; audience must be given.*credentials must have/,
    );
    expect(() => protect(options)).not.toThrow(/hidden/);
  });

  test('a guard cannot require a tool that nobody can tell', () => {
    const guard = protect({ ...good, mode: 'offline' });
    expect(() => guard.requiring({ tool: 'search' })).toThrow('needs credentials');
    guard.close();
  });

  test('closed networks may do without https when they say so', () => {
    const issuer = 'http://auth.internal';
    const guard = protect({ ...good, issuer, mode: 'offline', allowHttp: true });
    expect(guard.status()).toEqual({ mode: 'offline', feed: undefined });
    guard.close();
  });
});
