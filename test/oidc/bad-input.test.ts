import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, bearer, formOf, postForm, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  eventually,
  open,
  type OpenTask,
  TOKEN_PATH,
} from '../support/token-requests.ts';

const FORM = 'application/x-www-form-urlencoded';
const ENDPOINTS = [
  TOKEN_PATH,
  '/api/oauth/par',
  '/api/oauth/introspect',
  '/api/oauth/revoke',
  '/api/oauth/verify',
];
let server: TestServer;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off' } });
  agent = await registerAgent(server);
  task = await open(server, agent);
});
afterAll(() => server.stop());

/** RFC 6749 §5.2: a JSON error with a standard code, for machines, not to be stored. */
function expectOAuthError(
  { status, headers, body }: Answer,
  expected: { status: number; error: string },
): void {
  expect({ status, error: body.error }).toEqual(expected);
  expect(headers.get('content-type')).toContain('application/json');
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
}

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
  send(server, path, { method: 'POST', body, headers: { ...agent.headers, ...headers } });

describe.each(ENDPOINTS)('%s', (path) => {
  test.each([
    ['a broken JSON body', '{"grant_type":', 'application/json', 400],
    ['a JSON list', '["grant_type"]', 'application/json', 400],
    ['a JSON number', '7', 'application/json', 400],
    ['JSON null', 'null', 'application/json', 400],
    ['a nested JSON value', '{"scope":{"a":{"b":1}}}', 'application/json', 400],
    ['XML', '<grant/>', 'application/xml', 400],
    ['plain text', 'grant_type=client_credentials', 'text/plain', 400],
    ['a multipart form', '--x--', 'multipart/form-data; boundary=x', 400],
    ['more than it takes', `task_description=${'x'.repeat(70_000)}`, FORM, 413],
    ['more JSON than it takes', JSON.stringify({ scope: 'x'.repeat(70_000) }), 'application/json', 413],
    ['more than the engine reads', `token=x&x=${'x'.repeat(58_000)}`, FORM, 413],
    [
      'JSON that is more as a form',
      JSON.stringify({ token: 'x', x: '漢'.repeat(8000) }),
      'application/json',
      413,
    ],
    ['more parameters than the engine reads', `token=x${'&x='.repeat(1000)}`, FORM, 400],
    ['bytes that are no UTF-8', new Uint8Array([0x61, 0x3d, 0xff, 0xfe, 0xfd]), FORM, 400],
    ['nothing', '', FORM, 400],
  ])('refuses %s', async (_what, body, type, status) => {
    const answer = await post(path, body, { 'content-type': type });
    expectOAuthError(answer, { status, error: 'invalid_request' });
  });

  test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('does not answer %s', async (method) => {
    const { status, headers } = await send(server, path, { method });
    // Preflight requests of browsers, where those may call.
    if (method === 'OPTIONS' && status === 204) return;
    expect(status).toBe(405);
    expect(headers.get('allow')).toContain('POST');
  });

  test('answers a machine in JSON whatever it accepts', async () => {
    for (const accept of ['text/html', 'text/html,*/*;q=0.1', 'image/png', '', 'a/b/c;;q=9']) {
      const answer = await post(path, 'token=', { 'content-type': FORM, accept });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('content-type')).toContain('application/json');
    }
  });

  test('takes no client’s word twice', async () => {
    const form = {
      token: ['a', 'b'],
      grant_type: ['client_credentials', 'refresh_token'],
      client_id: ['x', 'y'],
    };
    const answer = await postForm(server, path, form, agent.headers);
    expectOAuthError(answer, { status: 400, error: 'invalid_request' });
  });
});

describe('the endpoints that look at a token', () => {
  // RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once."
  test.each([
    ['introspect', 'token_type_hint', ['access_token', 'refresh_token']],
    ['introspect', 'include_children', ['false', 'true']],
    ['introspect', 'include_task_history', ['false', 'true']],
    ['verify', 'token_type_hint', ['access_token', 'refresh_token']],
    ['verify', 'tool', ['search', 'mail']],
    ['verify', 'task_id', ['one', 'two']],
    ['verify', 'parent_task_id', ['one', 'two']],
    ['verify', 'parent_token', ['one', 'two']],
    ['revoke', 'token_type_hint', ['access_token', 'refresh_token']],
    ['revoke', 'revoke_children', ['false', 'true']],
    ['revoke', 'reason', ['done', 'stolen']],
  ])('%s refuses %s sent twice', async (endpoint, name, values) => {
    const form = { token: task.token, [name]: values };
    const answer = await postForm(server, `/api/oauth/${endpoint}`, form, agent.headers);
    expectOAuthError(answer, { status: 400, error: 'invalid_request' });
  });

  test('ignore what they do not know, however often it is sent', async () => {
    for (const endpoint of ['introspect', 'verify', 'revoke']) {
      const form = { token: 'unknown', x: ['y', 'z'] };
      expect((await postForm(server, `/api/oauth/${endpoint}`, form, agent.headers)).status).toBe(200);
    }
  });
});

describe('the token endpoint', () => {
  const ask = async (form: Record<string, string | string[]>) =>
    clientCredentials(server, agent, { ...pkce().parameters, ...form });

  test.each([
    ['scope', ['reports:read', 'reports:write']],
    ['task_id', ['one', 'two']],
    ['task_description', ['one', 'two']],
    ['code_challenge', [pkce().challenge, pkce().challenge]],
    ['code_challenge_method', ['S256', 'S256']],
    ['parent_token', ['one', 'two']],
    ['max_depth', ['1', '2']],
    ['authorization_details', ['[]', '[]']],
  ])('refuses %s sent twice', async (name, values) => {
    expectOAuthError(await ask({ [name]: values }), { status: 400, error: 'invalid_request' });
  });

  test.each([
    ['a task_id with a slash', { task_id: '../../etc/passwd' }],
    ['a task_id that is too long', { task_id: 'x'.repeat(129) }],
    ['a task_id in another script', { task_id: 'задача' }],
    ['a description with an escape', { task_description: '\u001b[31mred' }],
    ['a description with a line break', { task_description: 'one\r\nSet-Cookie: x' }],
    ['a description that turns text around', { task_description: 'safe \u202e gnirts' }],
    ['a description that is too long', { task_description: 'x'.repeat(501) }],
    ['a depth below zero', { max_depth: '-1' }],
    ['a depth with a fraction', { max_depth: '1.5' }],
    ['a depth beyond the cap', { max_depth: '17' }],
    ['a depth in words', { max_depth: 'two' }],
    ['a life of no time', { task_expires_in: '0' }],
    ['a life beyond all numbers', { task_expires_in: '9'.repeat(30) }],
    ['a fan-out in hexadecimal', { max_children: '0x10' }],
    ['a tool with a quote', { required_tools: 'a"b' }],
    ['a tool with a line break', { required_tools: 'a\nb' }],
    ['too many tools', { required_tools: Array.from({ length: 101 }, (_, i) => `t${i}`) }],
    ['a name that is too long', { required_tools: 'x'.repeat(201) }],
    ['a challenge with padding', { code_challenge: `${pkce().challenge}=` }],
    ['a challenge with other characters', { code_challenge: `${'a'.repeat(42)}+` }],
    ['a parent_task_id that is none', { parent_task_id: 'a b' }],
  ])('refuses %s', async (_what, form) => {
    expectOAuthError(await ask(form), { status: 400, error: 'invalid_request' });
  });

  test.each([
    ['characters outside the grammar', 'reports:read "quoted"'],
    ['another script', 'отчёты:читать'],
    ['too many rights', Array.from({ length: 101 }, (_, i) => `r${i}`).join(' ')],
    ['a right that is too long', 'x'.repeat(200)],
  ])('refuses a scope with %s', async (_what, scope) => {
    const { status, body } = await ask({ scope });
    expect(status).toBe(400);
    expect(['invalid_scope', 'invalid_request']).toContain(body.error);
  });

  test('takes names of JavaScript for what they are: names that nobody was granted', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect((await ask({ scope: name })).body.error).toBe('invalid_scope');
      expect((await ask({ required_tools: name })).body.error).toBe('invalid_authorization_details');
      expect((await ask({ resource: name })).body.error).toBe('invalid_target');
      const json = `{"grant_type":"client_credentials","${name}":"x"}`;
      expect((await post(TOKEN_PATH, json, { 'content-type': 'application/json' })).status).toBe(400);
    }
  });

  test.each([
    ['no scheme', 'nonsense'],
    ['an empty pair', 'Basic '],
    ['no colon', `Basic ${btoa('onlyanid')}`],
    ['broken escapes', `Basic ${btoa('%zz:%zz')}`],
    ['no base64', 'Basic ***'],
    ['a NUL', `Basic ${btoa('a\0b:c')}`],
    ['another scheme', 'Digest username="x"'],
    ['a very long id', `Basic ${btoa(`${'x'.repeat(5000)}:y`)}`],
  ])('refuses credentials with %s', async (_what, authorization) => {
    const { status, body } = await postForm(
      server,
      TOKEN_PATH,
      { grant_type: 'client_credentials' },
      { authorization },
    );
    expect([400, 401]).toContain(status);
    expect(['invalid_client', 'invalid_request']).toContain(body.error);
  });
});

describe('hostile headers', () => {
  test.each([
    { host: 'evil.example' },
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
    { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9' },
    { 'x-http-method-override': 'DELETE', 'x-original-url': '/api/admin/tokens' },
  ])('%j reach no answer and no record', async (headers) => {
    const { body } = await send(server, '/.well-known/openid-configuration', { headers });
    expect(body.token_endpoint).toBe(`${server.issuer}${TOKEN_PATH}`);
    const answer = await postForm(
      server,
      TOKEN_PATH,
      { grant_type: 'nothing' },
      { ...agent.headers, ...headers },
    );
    expectOAuthError(answer, { status: 400, error: 'unsupported_grant_type' });
    const events = await auditEvents(server, { event_type: 'token_refused', client_id: agent.clientId });
    expect(JSON.stringify(events)).not.toMatch(/evil\.example|203\.0\.113\.9/);
  });

  test.each([
    '/api/oauth/TOKEN',
    '/api/oauth/token/',
    '/api//oauth/token',
    '/api/oauth/%74oken/',
    '/api/oauth/x/../token',
  ])('another spelling of a path is no path: %s', async (path) => {
    const url = `${server.issuer}${path}`;
    const response = await fetch(url, {
      method: 'POST',
      body: formOf({ grant_type: 'x' }),
      headers: agent.headers,
    });
    expect([400, 404]).toContain(response.status);
  });
});

describe('a refusal', () => {
  const recorded = (type: string, reason: string) =>
    eventually(
      async () =>
        (await auditEvents(server, { event_type: type })).find((event: { reason: string }) =>
          event.reason.includes(reason),
        ),
      (event) => event !== undefined,
    );
  // What strangers are refused is recorded one by one only so often in a minute (R15).
  beforeAll(() => server.clock.advance(61));

  test('is on record with its reason, its path and the request it answered', async () => {
    const { headers } = await postJson(server, TOKEN_PATH, { scope: { a: 1 } }, agent.headers);
    expect(await recorded('token_refused', 'scope has the wrong type')).toMatchObject({
      status: 'refused',
      request_id: headers.get('x-request-id'),
      details: { path: TOKEN_PATH },
    });
  });

  test('of a foreign token at an API is on record too', async () => {
    await send(server, '/api/oauth/protected', {
      headers: { ...bearer('foreign'), 'x-task-id': task.taskId },
    });
    expect(await recorded('request_refused', 'invalid_token')).toMatchObject({
      status: 'refused',
      actor: null,
    });
  });
});
