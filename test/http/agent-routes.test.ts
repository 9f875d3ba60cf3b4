import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { registerWithKey, withToken } from '../support/agent-auth.ts';
import { administer, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { open } from '../support/token-requests.ts';
import {
  adminTokenWith,
  type Answers,
  type Cast,
  castOf,
  declaredRoutes,
  plainRoute,
  WHO,
  type Who,
} from '../support/who-asks.ts';

const READ_BY_ADMIN: Answers = [401, 401, 401, 401, 200, 200];
const WRITTEN_BY_ADMIN: Answers = [401, 401, 401, 401, 403, 200];
/** An agent sees itself by any of its tokens; another one does not learn that it exists. */
const SEEN: Answers = [401, 404, 200, 200, 200, 200];
/** What concerns it as a whole is no business of a part of its work. */
const SEEN_WHOLE: Answers = [401, 404, 403, 200, 200, 200];
/** Reading is not enough to end or change anything. */
const OWN: Answers = [401, 404, 403, 200, 404, 200];

interface Route {
  readonly body?: object;
  readonly answers: Answers;
}

const PROOF = { code_verifier: 'VERIFIER' };

/** INVARIANT: every route under /agents and /api/agents stands here, aliases too. `:id` is the agent of `self`. */
const ROUTES: Record<string, Route> = {
  'GET /api/agents/list': { answers: READ_BY_ADMIN },
  'GET /api/agents/me': { answers: [401, 200, 200, 200, 200, 200] },
  'GET /api/agents/:id': { answers: SEEN },
  'GET /api/agents/:id/jwks': { answers: [200, 200, 200, 200, 200, 200] },
  'PUT /api/agents/:id': { body: { tier: 'pro', permissions: ['reports:read'] }, answers: WRITTEN_BY_ADMIN },
  'DELETE /api/agents/:id': { answers: WRITTEN_BY_ADMIN },
  'POST /api/agents/:id/suspend': { body: {}, answers: WRITTEN_BY_ADMIN },
  'POST /api/agents/:id/reactivate': { body: {}, answers: [401, 401, 401, 401, 403, 409] },
  'POST /api/agents/:id/rotate-secret': { body: PROOF, answers: OWN },
  'GET /api/agents/:id/tools': { answers: SEEN },
  'POST /api/agents/:id/tools': { body: { tool_id: 'browse' }, answers: WRITTEN_BY_ADMIN },
  'POST /api/agents/:id/tools/browse': { answers: WRITTEN_BY_ADMIN },
  'DELETE /api/agents/:id/tools/search': { answers: WRITTEN_BY_ADMIN },
  'GET /api/agents/:id/api-keys': { answers: SEEN_WHOLE },
  'POST /api/agents/:id/api-keys': {
    body: { name: 'Laptop', ...PROOF },
    answers: [401, 404, 403, 201, 404, 201],
  },
  'POST /api/agents/:id/api-keys/:key/rotate': { body: PROOF, answers: OWN },
  'DELETE /api/agents/:id/api-keys/:key': { answers: OWN },
  'GET /api/agents': { answers: READ_BY_ADMIN },
  'GET /agents/:id': { answers: SEEN },
  'POST /api/agents/:id/revoke': { body: {}, answers: OWN },
  'GET /api/agents/:id/activity': { answers: SEEN_WHOLE },
  'PUT /api/agents/:id/tier': { body: { tier: 'enterprise' }, answers: WRITTEN_BY_ADMIN },
  'PUT /api/agents/:id/permissions': { body: { permissions: ['example:read'] }, answers: WRITTEN_BY_ADMIN },
  // Of whoever asks, not of an agent that is named.
  'POST /api/agents/revoke-tokens': { answers: [401, 200, 403, 200, 200, 200] },
};

/** Nobody is known here yet: what proves the caller, if anything does, stands in the body. */
const OPEN = [
  'POST /api/agents/register',
  'POST /api/agents/activate',
  'POST /agents/register',
  'POST /api/agents/verify',
  'POST /api/agents/refresh',
];

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

interface KeyedCast extends Cast {
  readonly keyId: string;
}

async function cast(): Promise<KeyedCast> {
  const made = await castOf(server);
  const path = `/api/agents/${made.agent.clientId}/api-keys`;
  const { key } = await administer(server, 'POST', path, { name: 'Laptop' });
  return { ...made, keyId: key.key_id };
}

async function ask(route: string, { body }: Route, who: Who, { agent, task, keyId, tokens }: KeyedCast) {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace(':id', agent.clientId).replace(':key', keyId);
  const token = tokens[who];
  if (token === undefined) return send(server, path, { method });
  const sent = body && JSON.parse(JSON.stringify(body).replace('VERIFIER', task.verifier));
  return withToken(server, token, method, path, sent);
}

describe.each(Object.entries(ROUTES))('%s', (name, route) => {
  test.each(WHO.map((who, i) => [who, route.answers[i]]))('%s is answered %i', async (who, expected) => {
    const { status } = await ask(name, route, who as Who, await cast());
    expect(status).toBe(expected);
  });
});

test('every route of agents is in the table', async () => {
  const declared = await declaredRoutes(server, '/agents');
  const known = new Set([...Object.keys(ROUTES), ...OPEN].map(plainRoute));
  const tools = (route: string) => route.replace(/tools\/(browse|search)$/, 'tools/*');
  expect(declared.length).toBeGreaterThan(30);
  expect(declared.filter((route) => ![...known].map(tools).includes(plainRoute(route)))).toEqual([]);
});

describe('nobody raises their own rights, tier or status', () => {
  test('what an agent tries leaves it as it was', async () => {
    const made = await cast();
    const { clientId } = made.agent;
    const before = await administer(server, 'GET', `/api/agents/${clientId}`);
    const attempts: [string, string, object][] = [
      [
        'PUT',
        `/api/agents/${clientId}`,
        { permissions: ['*:*'], tier: 'enterprise', challenge_waived: true },
      ],
      ['PUT', `/agents/${clientId}/permissions`, { permissions: ['*:*:*'] }],
      ['PUT', `/agents/${clientId}/tier`, { tier: 'enterprise' }],
      ['POST', `/api/agents/${clientId}/tools`, { tool_id: 'everything' }],
      ['POST', `/api/agents/${clientId}/reactivate`, {}],
    ];
    for (const [method, path, body] of attempts) {
      expect((await withToken(server, made.task.token, method, path, body)).status).toBe(401);
    }
    expect(await administer(server, 'GET', `/api/agents/${clientId}`)).toEqual(before);
  });

  test('an agent with the names of administration among its rights has no token that administers', async () => {
    const party = await registerWithKey(server, {
      permissions: ['admin:read', 'admin:write', 'example:read'],
    });
    const { clientId } = await registerAgent(server);
    const answer = await send(server, '/agents/verify', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ agent_id: party.agentId, api_key: party.apiKey }),
    });
    const token = answer.body.token.access_token;
    expect((await withToken(server, token, 'PUT', `/agents/${clientId}/tier`, { tier: 'pro' })).status).toBe(
      401,
    );
  });

  test('a revoked agent cannot come back', async () => {
    const made = await cast();
    const { clientId } = made.agent;
    expect((await withToken(server, made.task.token, 'POST', `/agents/${clientId}/revoke`, {})).status).toBe(
      200,
    );
    const back = `/api/agents/${clientId}/reactivate`;
    expect((await withToken(server, made.task.token, 'POST', back, {})).status).toBe(401);
    const { token } = await open(server, await registerAgent(server));
    expect((await withToken(server, token, 'POST', back, {})).status).toBe(401);
    expect(
      (await withToken(server, await adminTokenWith(server, 'admin:write'), 'POST', back, {})).status,
    ).toBe(404);
  });
});
