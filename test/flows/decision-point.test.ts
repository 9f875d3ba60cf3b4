import { readFileSync, readdirSync } from 'node:fs';
import { join as pathJoin } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type DecisionServer, startDecisionServer } from '../support/decision-server.ts';
import { asAdmin, type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, send } from '../support/requests.ts';
import { ADMIN_CLIENT, startServer, type TestServer, TEST_SETTINGS } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  open,
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

const TOKEN = 'a-token-that-only-the-decision-point-may-see';
const TIMEOUT = 250;

let decisions: DecisionServer;
let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  decisions = await startDecisionServer();
  const rule = {
    kind: 'decision_point',
    name: 'opa',
    reason: 'the decision point says no',
    url: decisions.url,
    path: 'taskgrant/decision',
    timeoutMs: TIMEOUT,
    sendToken: true,
    except: { clients: [ADMIN_CLIENT] },
  };
  server = await startServer({
    env: { POLICY_TOKEN: TOKEN },
    settings: { ...TEST_SETTINGS, policies: { rules: [rule] } },
  });
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
});
afterEach(() => {
  decisions.says(true);
  decisions.asked.length = 0;
});
afterAll(async () => {
  await server.stop();
  await decisions.stop();
});

const ask = () => clientCredentials(server, agent, pkce().parameters);
/** RFC 6749 §2.3.1: an id may be percent-encoded, which only the engine reads. */
function askByEngine(): Promise<Answer> {
  const encoded = `%${agent.clientId.charCodeAt(0).toString(16)}${agent.clientId.slice(1)}`;
  const credentials = Buffer.from(`${encoded}:${agent.clientSecret}`).toString('base64');
  const form = { grant_type: 'client_credentials', ...pkce().parameters };
  return requestToken(server, { headers: { authorization: `Basic ${credentials}` } }, form);
}

describe('a decision point', () => {
  test('is asked who would get what at every step, with the token of the configuration', async () => {
    // The first request after a registration is decided twice: on what was remembered, and on what is (ADR 16).
    await ask();
    decisions.asked.length = 0;
    const root = await open(server, agent, { scope: 'reports:read', required_tools: 'search' });
    await derive(server, root);
    const steps = decisions.asked.map(({ input }) => input);
    expect(steps).toMatchObject([
      {
        step: 'open',
        client: { id: agent.clientId, tier: 'free', roles: [] },
        subject: { kind: 'agent', id: agent.clientId },
        scope: ['reports:read'],
        audiences: [server.defaultAudience],
        tools: ['search'],
        task: { depth: 0 },
      },
      { step: 'derive', delegation: null, task: { depth: 1 } },
    ]);
    expect(decisions.asked[0]).toMatchObject({
      method: 'POST',
      path: '/v1/data/taskgrant/decision',
      authorization: `Bearer ${TOKEN}`,
    });
    const [issued] = await auditEvents(server, { token_id: root.tokenId, event_type: 'token_issued' });
    expect(issued.details.policy).toEqual([
      { name: 'opa', effect: 'allow', reason: 'the decision point says no' },
    ]);
  });

  test.each([[false], [undefined], [{}], [{ allow: false }]])('that answers %j refuses', async (result) => {
    decisions.says(result);
    for (const answer of [await ask(), await askByEngine()]) {
      expect(answer).toMatchObject({
        status: 400,
        body: { error: 'access_denied', task_error: 'policy_denied' },
      });
    }
  });

  test('refuses with a reason of its own, which the agent and the audit trail are told', async () => {
    decisions.says({ allow: false, reason: 'the change freeze is on' });
    const { body } = await ask();
    expect(body.error_description).toBe(
      'policy_denied: the policy opa refuses this: the change freeze is on',
    );
    const [event] = await auditEvents(server, { client_id: agent.clientId, event_type: 'token_refused' });
    expect(event.details.policy).toEqual([
      { name: 'opa', effect: 'deny', reason: 'the change freeze is on' },
    ]);
  });

  test('bounds what it permits', async () => {
    decisions.says({ allow: true, reason: 'a trial', obligations: { max_depth: 1, max_lifetime: 60 } });
    const root = await open(server, agent, { task_expires_in: 3000 });
    expect(root.body).toMatchObject({ task: { max_depth: 1 } });
    expect(root.body.expires_in).toBeLessThanOrEqual(60);
    const [issued] = await auditEvents(server, { token_id: root.tokenId, event_type: 'token_issued' });
    expect(issued.details.policy).toEqual([
      { name: 'opa', effect: 'bound', reason: 'a trial', max_depth: 1, max_lifetime: 60 },
    ]);
  });
});

describe('a decision point that gives no usable answer', () => {
  const UNAVAILABLE = {
    status: 503,
    body: {
      error: 'temporarily_unavailable',
      task_error: 'policy_unavailable',
      error_description: 'policy_unavailable: a policy cannot be decided at the moment; try again shortly',
    },
  };

  test.each<[string, string, () => void]>([
    ['is silent', 'timeout', () => decisions.does(() => undefined)],
    ['talks without end', 'bytes', () => decisions.does((_asked, response) => endless(response))],
    ['fails', 'status 500', () => decisions.does((_asked, response) => response.writeHead(500).end())],
    ['talks nonsense', 'not JSON', () => decisions.does((_asked, response) => response.end('yes!'))],
    ['says neither yes nor no', 'malformed', () => decisions.says('maybe')],
    [
      'sets terms that nobody knows',
      'malformed',
      () => decisions.says({ allow: true, obligations: { ask_a_person: true } }),
    ],
  ])('%s: nothing is issued, and the audit trail knows why', async (_name, why, misbehave) => {
    misbehave();
    const before = (await asAdmin(server, 'GET', '/api/admin/stats/dashboard')).body;
    for (const answer of [await ask(), await askByEngine()]) {
      expect(answer).toMatchObject(UNAVAILABLE);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    decisions.says(true);
    const after = (await asAdmin(server, 'GET', '/api/admin/stats/dashboard')).body;
    expect([after.tasks, after.tokens]).toEqual([before.tasks, before.tokens]);
    const [event] = await auditEvents(server, { client_id: agent.clientId, event_type: 'token_refused' });
    expect(event).toMatchObject({
      status: 'refused',
      details: {
        task_error: 'policy_unavailable',
        policy: [{ name: 'opa', effect: 'deny', reason: expect.stringContaining(why) }],
      },
    });
    expect((await ask()).status).toBe(200);
  });

  test('keeps nobody waiting for longer than was set, however many ask', async () => {
    decisions.does(() => undefined);
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 40 }, ask));
    for (const answer of answers) expect(answer).toMatchObject(UNAVAILABLE);
    // One round of waiting, not forty; generous, because the machine may be busy.
    expect(Date.now() - began).toBeLessThan(TIMEOUT + 5000);
  });

  test('uses nothing up: what was refused for it can be asked for again', async () => {
    const root = await open(server, agent);
    const child = () => tokenExchange(server, agent, root.token, { code_verifier: root.verifier });
    const refresh = () =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: root.body.refresh_token,
        code_verifier: root.verifier,
      });
    decisions.does((_asked, response) => response.destroy());
    for (const answer of await Promise.all([child(), refresh()])) expect(answer).toMatchObject(UNAVAILABLE);
    decisions.says(true);
    for (const { status } of await Promise.all([child(), refresh()])) expect(status).toBe(200);
  });

  test('does not keep an agent from using what it has', async () => {
    const task = await open(server, agent);
    decisions.does(() => undefined);
    const used = await send(server, '/api/oauth/protected', {
      headers: { authorization: `Bearer ${task.token}`, 'x-task-id': task.taskId },
    });
    expect(used.status).toBe(200);
  });
});

test('the token of the decision point stands in no log and no audit event', async () => {
  await ask();
  decisions.does((_asked, response) => response.writeHead(401).end(TOKEN));
  await ask();
  const events = await asAdmin(server, 'GET', '/api/admin/audit/logs?limit=200');
  expect(events.text).toContain('opa');
  expect(events.text).not.toContain(TOKEN);
  const logs = readdirSync(server.logDir).map((name) => readFileSync(pathJoin(server.logDir, name), 'utf8'));
  expect(logs.join('')).toContain('decision point');
  expect(logs.join('')).not.toContain(TOKEN);
});

function endless(response: { write(text: string): boolean; on(event: 'close', run: () => void): unknown }) {
  const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
  response.on('close', () => clearInterval(timer));
}
