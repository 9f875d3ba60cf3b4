import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK, getCode, redeemCode } from '../../support/code-flow.ts';
import { type DecisionServer, startDecisionServer } from '../../support/decision-server.ts';
import {
  type AgentParty,
  createPerson,
  type PersonParty,
  pkce,
  registerAgent,
} from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import { type Form, postForm } from '../../support/requests.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { auditEvents, delegate, requestToken, TOKEN_EXCHANGE } from '../../support/token-requests.ts';

let server: TestServer;
let decisions: DecisionServer;
let agent: AgentParty;
let helper: AgentParty;
let person: PersonParty;
let browser: BrowserSession;

beforeAll(async () => {
  [server, decisions] = await Promise.all([startServer(), startDecisionServer()]);
  agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE],
  });
  helper = await registerAgent(server);
  person = await createPerson(server);
  browser = browserOf(server, person);
});
afterEach(() => {
  setPolicies(server, []);
  decisions.says(true);
  decisions.asked.length = 0;
});
afterAll(async () => {
  await server.stop();
  await decisions.stop();
});

const NO_WRITING = {
  kind: 'tool_lists',
  effect: 'deny',
  tools: ['*'],
  name: 'no-writing',
  reason: 'nobody writes',
  match: { subjects: ['user'], scopes: ['reports:write'] },
};
const SAID = 'policy_denied: the policy no-writing refuses this: nobody writes';
const WRITING: Form = { scope: 'reports:read reports:write' };
const decisionPoint = () => ({
  kind: 'decision_point',
  name: 'opa',
  reason: 'the decision point says no',
  url: decisions.url,
  path: 'people',
  timeoutMs: 250,
  match: { subjects: ['user'] },
});

describe('a person', () => {
  test('is not asked for what a policy refuses: the client is told, and the audit trail', async () => {
    setPolicies(server, [NO_WRITING]);
    const url = authorizationUrl(server, agent, { ...pkce().parameters, ...WRITING, state: 's-1' });
    const back = (await browser.pages.open(url)).location;
    expect(Object.fromEntries(back?.searchParams ?? [])).toMatchObject({
      error: 'access_denied',
      error_description: SAID,
      state: 's-1',
    });
    const [event] = await auditEvents(server, {
      client_id: agent.clientId,
      event_type: 'authorization_denied',
    });
    expect(event.details.policy).toEqual([{ name: 'no-writing', effect: 'deny', reason: 'nobody writes' }]);
    const reading = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    expect(reading.body.scope).toBe('reports:read');
  });

  test('a pushed request is refused at once', async () => {
    setPolicies(server, [NO_WRITING]);
    const { status, body } = await postForm(
      server,
      '/api/oauth/par',
      {
        client_id: agent.clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        ...pkce().parameters,
        ...WRITING,
      },
      agent.headers,
    );
    expect([status, body]).toEqual([
      400,
      expect.objectContaining({
        error: 'access_denied',
        error_description: SAID,
        task_error: 'policy_denied',
      }),
    ]);
    const [event] = await auditEvents(server, { client_id: agent.clientId, event_type: 'request_refused' });
    expect(event.details.policy).toEqual([{ name: 'no-writing', effect: 'deny', reason: 'nobody writes' }]);
  });

  test('is shown how long the task may last at most', async () => {
    setPolicies(server, [{ kind: 'max_lifetime', name: 'short', reason: 'people forget', seconds: 7200 }]);
    const url = authorizationUrl(server, agent, { ...pkce().parameters, scope: 'reports:read' });
    expect((await browser.consentPage(url)).html).toContain('2 hours');
    const task = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    expect(task.body.task.expires_at).toBeLessThanOrEqual(Math.ceil(server.clock.now() / 1000) + 7200);
  });

  test('grants no longer than was shown, if only what a policy is about is not granted', async () => {
    const match = { scopes: ['reports:write'] };
    const short = { kind: 'max_lifetime', name: 'short', reason: 'people forget', seconds: 7200, match };
    setPolicies(server, [short]);
    const url = authorizationUrl(server, agent, { ...pkce().parameters, ...WRITING });
    expect((await browser.consentPage(url)).html).toContain('2 hours');
    const task = await authorize(server, { agent, browser, form: WRITING, allowed: ['reports:read'] });
    expect(task.body.scope).toBe('reports:read');
    expect(task.body.task.expires_at).toBeLessThanOrEqual(Math.ceil(server.clock.now() / 1000) + 7200);
  });

  test('grants no longer than was shown, if a policy is gone when the person allows it', async () => {
    setPolicies(server, [{ kind: 'max_lifetime', name: 'short', reason: 'people forget', seconds: 7200 }]);
    const { verifier, parameters } = pkce();
    const url = authorizationUrl(server, agent, { ...parameters, scope: 'reports:read' });
    const page = await browser.consentPage(url);
    expect(page.html).toContain('2 hours');
    setPolicies(server, []);
    const back = (await browser.pages.submit(page, {})).location;
    const code = { code: back?.searchParams.get('code') ?? '', verifier, redirectUri: CALLBACK };
    const { body } = await redeemCode(server, agent, code);
    expect(body.task.expires_at).toBeLessThanOrEqual(Math.ceil(server.clock.now() / 1000) + 7200);
  });

  test('what was approved before a policy came is refused when the code is redeemed, and the code is kept', async () => {
    const code = await getCode(server, { agent, browser, form: WRITING });
    setPolicies(server, [NO_WRITING]);
    const refused = await redeemCode(server, agent, code);
    expect(refused).toMatchObject({
      status: 400,
      body: { error: 'access_denied', error_description: SAID, task_error: 'policy_denied' },
    });
    setPolicies(server, []);
    expect((await redeemCode(server, agent, code)).body.scope).toBe('reports:read reports:write');
  });

  test('a family of refresh tokens ends for what a policy refuses from now on, and goes on for less', async () => {
    const task = await authorize(server, { agent, browser, form: WRITING });
    setPolicies(server, [NO_WRITING]);
    const refresh = (form: Form = {}) =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        ...form,
      });
    expect((await refresh()).body.task_error).toBe('policy_denied');
    expect((await refresh({ scope: 'reports:read' })).body.scope).toBe('reports:read');
  });

  test('what agents pass on of a person’s authority is the policies’ business as well', async () => {
    const task = await authorize(server, {
      agent,
      browser,
      form: { ...WRITING, delegates: helper.clientId },
    });
    setPolicies(server, [{ ...NO_WRITING, match: { ...NO_WRITING.match, clients: [helper.clientId] } }]);
    await expect(delegate(server, task, helper)).rejects.toThrow('policy_denied');
    expect((await delegate(server, task, helper, { scope: 'reports:read' })).body.scope).toBe('reports:read');
  });
});

describe('a decision point that decides about people', () => {
  test('is asked before anyone signs in, for the one who did, and when the code is redeemed', async () => {
    setPolicies(server, [decisionPoint()]);
    const task = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    expect(task.body.scope).toBe('reports:read');
    const steps = decisions.asked.map(({ input }) => [input.step, input.subject.id, input.scope]);
    expect(steps[0]).toEqual(['authorize', null, ['reports:read']]);
    expect(steps).toContainEqual(['authorize', person.userId, ['reports:read']]);
    expect(steps.at(-1)).toEqual(['redeem', person.userId, ['reports:read']]);
  });

  test('may refuse one of them: nobody else is told, and that one is not asked', async () => {
    setPolicies(server, [decisionPoint()]);
    decisions.does(({ input }, response) =>
      response.end(JSON.stringify({ result: input.subject.id !== person.userId })),
    );
    const url = authorizationUrl(server, agent, { ...pkce().parameters, scope: 'reports:read' });
    const { location } = await browser.consentPage(url);
    expect(location?.searchParams.get('error')).toBe('access_denied');
    const [event] = await auditEvents(server, {
      user_id: person.userId,
      event_type: 'authorization_denied',
    });
    expect(event.details.policy).toEqual([
      { name: 'opa', effect: 'deny', reason: 'the decision point says no' },
    ]);
    const other = await createPerson(server);
    const theirs = await authorize(server, {
      agent,
      browser: browserOf(server, other),
      form: { scope: 'reports:read' },
    });
    expect(theirs.body.scope).toBe('reports:read');
  });

  test('that is away stops it with a page, and is on record', async () => {
    setPolicies(server, [decisionPoint()]);
    const url = authorizationUrl(server, agent, { ...pkce().parameters, scope: 'reports:read' });
    decisions.does(() => undefined);
    const page = await browser.pages.open(url);
    expect([page.status, page.location]).toEqual([503, undefined]);
    expect(page.html).toContain('What decides about this request does not answer');
    const pushed = await postForm(
      server,
      '/api/oauth/par',
      {
        client_id: agent.clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        ...pkce().parameters,
        scope: 'reports:read',
      },
      agent.headers,
    );
    expect(pushed).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    const events = await auditEvents(
      server,
      { client_id: agent.clientId, event_type: 'authorization_denied' },
      2,
    );
    for (const event of events.slice(0, 2)) {
      expect(event.details.policy).toEqual([{ name: 'opa', effect: 'deny', reason: 'timeout' }]);
    }
  });

  test('that is away while the code is redeemed leaves the code as it is', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    setPolicies(server, [decisionPoint()]);
    decisions.does((_asked, response) => response.destroy());
    const refused = await redeemCode(server, agent, code);
    expect(refused).toMatchObject({ status: 503, body: { task_error: 'policy_unavailable' } });
    expect(refused.headers.get('retry-after')).toBe('2');
    decisions.says(true);
    expect((await redeemCode(server, agent, code)).status).toBe(200);
  });
});
