import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { formOf, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ACCESS_TOKEN, introspect, open, type OpenTask, TOKEN_EXCHANGE } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off' } });
  agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  task = await open(server, agent);
});
afterAll(() => server.stop());

const NAMES = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'audience',
  'code',
  'code_verifier',
  'code_challenge',
  'code_challenge_method',
  'redirect_uri',
  'refresh_token',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'delegate_to',
  'token',
  'token_type_hint',
  'response_type',
  'response_mode',
  'state',
  'nonce',
  'prompt',
  'max_age',
  'claims',
  'id_token_hint',
  'request',
  'request_uri',
  'registration',
  'display',
  'ui_locales',
  'authorization_details',
  'task_id',
  'task_description',
  'parent_token',
  'parent_task_id',
  'delegates',
  'required_tools',
  'required_resources',
  'task_expires_in',
  'max_depth',
  'max_children',
  'revoke_children',
  'reason',
  'include_children',
  '__proto__',
];

/** T12: clients know these; the reason goes into task_error. */
const STANDARD = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'invalid_authorization_details',
  'invalid_client_metadata',
  'invalid_redirect_uri',
  'invalid_request_object',
  'invalid_request_uri',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_response_mode',
  'request_not_supported',
  'request_uri_not_supported',
  'registration_not_supported',
  'insufficient_scope',
  'access_denied',
];

/** Values near to what works, and values from nowhere. */
const value = () =>
  fc.oneof(
    fc.constantFrom(
      'authorization_code',
      'client_credentials',
      'refresh_token',
      TOKEN_EXCHANGE,
      ACCESS_TOKEN,
      'code',
      'S256',
      'plain',
      'none',
      'openid reports:read',
      'reports:*',
      CALLBACK,
      server.defaultAudience,
      agent.clientId,
      task.token,
      task.tokenId,
      task.taskId,
      task.verifier,
      pkce().challenge,
      '[{"type":"agent_task"}]',
      '[{"type":"agent_task","delegation":{"max_depth":1e309}}]',
      '{"__proto__":{"admin":true}}',
      'urn:ietf:params:oauth:request_uri:x',
      '',
      '0',
      '-1',
      '99999999999999999999',
      'true',
      'null',
      '[]',
      '\u0000',
      '%00',
      '../..',
      "'; DROP TABLE tokens; --",
    ),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.json({ maxDepth: 3 }),
  );

const fields = () =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.array(value(), { minLength: 1, maxLength: 2 })), {
    selector: ([name]) => name,
    maxLength: 10,
  });

const request = () =>
  fc.record({
    endpoint: fc.constantFrom(
      'token',
      'introspect',
      'revoke',
      'verify',
      'par',
      'register',
      'authorize',
      'userinfo',
    ),
    fields: fields(),
    json: fc.boolean(),
    authenticated: fc.boolean(),
    /** Members of JSON bodies that are no text. */
    odd: fc.dictionary(fc.constantFrom(...NAMES), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }),
  });

type Request = ReturnType<typeof request> extends fc.Arbitrary<infer T> ? T : never;

function sent({ endpoint, fields: pairs, json, authenticated, odd }: Request) {
  const path = `/api/oauth/${endpoint}`;
  const form = formOf(Object.fromEntries(pairs));
  const headers: Record<string, string> = authenticated ? { ...agent.headers } : {};
  if (endpoint === 'authorize' && !json) {
    return send(server, `${path}?${form.toString()}`, { headers });
  }
  if (json || endpoint === 'register') {
    const body = JSON.stringify({
      ...Object.fromEntries(pairs.map(([name, values]) => [name, values[0]])),
      ...odd,
    });
    return send(server, path, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json' },
    });
  }
  return send(server, path, { method: 'POST', body: form, headers });
}

describe('whatever is sent to the OAuth endpoints', () => {
  test('is answered, never with a failure of the server, and in standard terms', async () => {
    await fc.assert(
      fc.asyncProperty(request(), async (drawn) => {
        const { status, body, text } = await sent(drawn);
        expect(status).toBeLessThan(500);
        expect(text).not.toMatch(/server_error|at .*\.ts:\d+|SQLITE|node_modules/);
        if (body.error !== undefined) expect(STANDARD).toContain(body.error);
      }),
      { numRuns: 400 },
    );
  });

  test('leaves the server able to work', async () => {
    const fresh = await open(server, agent);
    expect((await introspect(server, agent, fresh.token)).active).toBe(true);
  });
});
