import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent, registerResourceServer } from '../support/parties.ts';
import { setPolicies } from '../support/policies.ts';
import type { Form } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  delegate,
  derive,
  handOff,
  open,
  type OpenTask,
  redeem,
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let third: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  other = await registerAgent(server);
  third = await registerAgent(server);
});
afterEach(() => setPolicies(server, []));
afterAll(() => server.stop());

const RULE = { name: 'house-rule', reason: 'as the house says' };
const DENIED = {
  status: 400,
  body: {
    error: 'access_denied',
    task_error: 'policy_denied',
    error_description: 'policy_denied: the policy house-rule refuses this: as the house says',
  },
};

/** A child of another client's task, by its raw token: what only a delegate may do. */
function takeOver(parent: OpenTask, by: AgentParty, form: Form = {}) {
  return tokenExchange(server, by, parent.token, { ...pkce().parameters, ...form });
}

function refresh(task: OpenTask) {
  const { agent: owner, verifier, body } = task;
  return requestToken(server, owner, {
    grant_type: 'refresh_token',
    refresh_token: body.refresh_token,
    code_verifier: verifier,
  });
}

function join(task: OpenTask, form: Form = {}) {
  return clientCredentials(server, task.agent, {
    task_id: task.taskId,
    code_verifier: task.verifier,
    ...form,
  });
}

describe('pairs of clients', () => {
  const pairs = (effect: string, parent: string, child: string, more: object = {}) => ({
    ...RULE,
    kind: 'delegate_pairs',
    effect,
    pairs: [{ parent, child }],
    ...more,
  });

  test('one that is allowed derives though the parent names nobody, and the audit trail says why', async () => {
    const parent = await open(server, agent);
    expect((await takeOver(parent, other)).body.task_error).toBe('actor_not_permitted');
    setPolicies(server, [pairs('allow', agent.clientId, other.clientId)]);
    const { status, body } = await takeOver(parent, other);
    expect(status).toBe(200);
    expect((await takeOver(parent, third)).body.task_error).toBe('actor_not_permitted');
    const [issued] = await auditEvents(server, { token_id: body.token_id, event_type: 'token_exchanged' });
    expect(issued.details.policy).toEqual([{ ...RULE, effect: 'allow' }]);
    const [derived] = await auditEvents(server, { task_id: body.task_id, event_type: 'task_derived' });
    expect(derived.details.policy).toEqual([{ ...RULE, effect: 'allow' }]);
  });

  test('the older setting still allows pairs', async () => {
    const parent = await open(server, agent);
    setPolicies(server, [], [{ parent: agent.clientId, child: other.clientId }]);
    expect((await takeOver(parent, other)).status).toBe(200);
    expect((await takeOver(parent, third)).body.task_error).toBe('actor_not_permitted');
  });

  test('allowing one never widens what the parent token holds', async () => {
    setPolicies(server, [pairs('allow', '*', '*')]);
    const parent = await open(server, agent, { scope: 'reports:read', required_tools: 'search' });
    const wider = await takeOver(parent, other, { scope: 'reports:read reports:write' });
    expect(wider.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    const tools = await takeOver(parent, other, { required_tools: 'mail' });
    expect(tools.body.task_error).toBe('not_subset');
    const child = await takeOver(parent, other);
    expect(child.body).toMatchObject({ scope: 'reports:read', granted_tools: ['search'] });
  });

  test('one that is allowed for some rights derives with these and with no others', async () => {
    setPolicies(server, [pairs('allow', agent.clientId, '*', { match: { scopes: ['reports:read'] } })]);
    const parent = await open(server, agent, { scope: 'reports:read reports:write' });
    expect((await takeOver(parent, other)).body.task_error).toBe('actor_not_permitted');
    expect((await takeOver(parent, other, { scope: 'reports:write' })).status).toBe(400);
    expect((await takeOver(parent, other, { scope: 'reports:read' })).body.scope).toBe('reports:read');
  });

  test('one that is denied does not derive though the parent names it, nor by a hand-off token', async () => {
    const parent = await open(server, agent, { delegates: other.clientId });
    const voucher = await handOff(server, parent, other);
    setPolicies(server, [pairs('deny', agent.clientId, other.clientId)]);
    expect(await takeOver(parent, other)).toMatchObject(DENIED);
    expect(await tokenExchange(server, other, voucher, pkce().parameters)).toMatchObject(DENIED);
    const handed = await tokenExchange(server, agent, parent.token, {
      delegate_to: other.clientId,
      code_verifier: parent.verifier,
    });
    expect(handed).toMatchObject(DENIED);
    expect((await derive(server, parent)).body.scope).toBe(parent.body.scope);
    setPolicies(server, []);
    expect((await redeem(server, other, voucher)).body.parent_task_id).toBe(parent.taskId);
  });

  test('a denial outweighs an allowance, wherever it stands', async () => {
    const parent = await open(server, agent);
    const allow = { ...pairs('allow', '*', '*'), name: 'anyone' };
    const deny = pairs('deny', '*', other.clientId);
    for (const rules of [
      [allow, deny],
      [deny, allow],
    ]) {
      setPolicies(server, rules);
      expect(await takeOver(parent, other)).toMatchObject(DENIED);
      expect((await takeOver(parent, third)).status).toBe(200);
    }
  });
});

describe('hours', () => {
  /** Every day from so many minutes before now to so many after. */
  function around(before: number, after: number, more: object = {}) {
    const clock = (minutes: number) =>
      new Date(server.clock.now() + minutes * 60_000).toISOString().slice(11, 16);
    return {
      ...RULE,
      kind: 'allowed_hours',
      effect: 'allow',
      timeZone: 'UTC',
      hours: [
        {
          weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
          from: clock(-before),
          to: clock(after),
        },
      ],
      ...more,
    };
  }

  test('outside of them nothing is issued, whichever way it is asked for', async () => {
    const office = around(60, 5);
    setPolicies(server, [office]);
    const task = await open(server, agent, { delegates: other.clientId });
    server.clock.advance(6 * 60);
    // A hand-off token lives for two minutes only: this one was made where the hours did not count.
    setPolicies(server, []);
    const voucher = await handOff(server, task, other);
    setPolicies(server, [office]);
    const asked = [
      clientCredentials(server, agent, pkce().parameters),
      tokenExchange(server, agent, task.token, { code_verifier: task.verifier }),
      tokenExchange(server, agent, task.token, {
        delegate_to: other.clientId,
        code_verifier: task.verifier,
      }),
      tokenExchange(server, other, voucher, pkce().parameters),
      join(task),
      refresh(task),
    ];
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject(DENIED);
    setPolicies(server, [around(5, 60)]);
    expect((await join(task)).status).toBe(200);
    // A refusal used nothing up.
    expect((await refresh(task)).status).toBe(200);
  });

  test('a time that is kept free may be for some steps and tiers only', async () => {
    const task = await open(server, agent);
    const closed = (match: object) => setPolicies(server, [around(5, 60, { effect: 'deny', match })]);
    closed({ steps: ['open'] });
    expect(await clientCredentials(server, agent, pkce().parameters)).toMatchObject(DENIED);
    expect((await derive(server, task)).body.parent_task_id).toBe(task.taskId);
    closed({ tiers: ['pro'] });
    expect((await clientCredentials(server, agent, pkce().parameters)).status).toBe(200);
    closed({ tiers: ['free'] });
    expect(await clientCredentials(server, agent, pkce().parameters)).toMatchObject(DENIED);
  });
});

describe('resources', () => {
  test('only those that are allowed, audiences and names', async () => {
    const api = await registerResourceServer(server);
    const task = await open(server, agent, { resource: [server.defaultAudience, api.audience] });
    setPolicies(server, [
      { ...RULE, kind: 'allowed_resources', effect: 'allow', audiences: ['{issuer}/**'], resources: ['q1'] },
    ]);
    const ask = (form: Form) => clientCredentials(server, agent, { ...pkce().parameters, ...form });
    expect(await ask({ resource: api.audience, required_resources: 'q1' })).toMatchObject(DENIED);
    expect(await ask({ required_resources: 'q2' })).toMatchObject(DENIED);
    expect((await ask({ required_resources: 'q1' })).body.granted_resources).toEqual(['q1']);
    expect(await join(task, { resource: api.audience, required_resources: 'q1' })).toMatchObject(DENIED);
    const narrower = await join(task, { resource: server.defaultAudience, required_resources: 'q1' });
    expect(narrower.status).toBe(200);
  });
});

describe('tools', () => {
  test('a child may be refused a tool that its parent holds', async () => {
    const parent = await open(server, agent, { required_tools: ['search', 'mail'] });
    setPolicies(server, [
      { ...RULE, kind: 'tool_lists', effect: 'deny', tools: ['mail'], match: { steps: ['derive'] } },
    ]);
    const ask = (tools: string) =>
      tokenExchange(server, agent, parent.token, { code_verifier: parent.verifier, required_tools: tools });
    expect(await ask('mail')).toMatchObject(DENIED);
    expect((await ask('search')).body.granted_tools).toEqual(['search']);
    // What is left out is inherited, and so is asked for.
    expect(
      await tokenExchange(server, agent, parent.token, { code_verifier: parent.verifier }),
    ).toMatchObject(DENIED);
  });
});

describe('depth', () => {
  const rule = (maxDepth: number, match: object = {}) => ({ ...RULE, kind: 'max_depth', maxDepth, match });

  test('a policy sets how deep a tree may grow, and the answers say so', async () => {
    setPolicies(server, [rule(1)]);
    const root = await open(server, agent);
    expect(root.body.task.max_depth).toBe(1);
    const child = await derive(server, root);
    expect(child.body.task.max_depth).toBe(0);
    const refused = await tokenExchange(server, agent, child.token, { code_verifier: child.verifier });
    expect(refused.body).toMatchObject({ error: 'invalid_request', task_error: 'max_depth_exceeded' });
    const asked = await clientCredentials(server, agent, { ...pkce().parameters, max_depth: 2 });
    expect(asked.body.error_description).toBe(
      'max_depth_exceeded: max_depth may be at most 1 here: the policy house-rule says so (as the house says)',
    );
    const [issued] = await auditEvents(server, { token_id: root.tokenId, event_type: 'token_issued' });
    expect(issued.details.policy).toEqual([{ ...RULE, effect: 'bound', max_depth: 1 }]);
  });

  test('counts from the root, for those rights alone that it is about', async () => {
    setPolicies(server, [rule(1, { scopes: ['reports:write'] })]);
    const root = await open(server, agent, { scope: 'reports:read', max_depth: 4 });
    expect(root.body.task.max_depth).toBe(4);
    setPolicies(server, []);
    const writing = await open(server, agent, { scope: 'reports:read reports:write' });
    const child = await derive(server, writing);
    setPolicies(server, [rule(1, { scopes: ['reports:write'] })]);
    const ask = (scope: string) =>
      tokenExchange(server, agent, child.token, { code_verifier: child.verifier, scope });
    expect(await ask('reports:write')).toMatchObject(DENIED);
    expect((await ask('reports:read')).body.scope).toBe('reports:read');
  });
});

describe('life', () => {
  const rule = (seconds: number) => ({ ...RULE, kind: 'max_lifetime', seconds });
  const secondsLeft = ({ body }: Pick<OpenTask, 'body'>) =>
    body.task.expires_at - Math.floor(server.clock.now() / 1000);

  test('a policy ends tasks and tokens earlier, never later', async () => {
    setPolicies(server, [rule(120)]);
    const short = await open(server, agent, { task_expires_in: 3600 });
    expect(short.body.expires_in).toBeLessThanOrEqual(120);
    expect(secondsLeft(short)).toBeLessThanOrEqual(120);
    const shorter = await open(server, agent, { task_expires_in: 60 });
    expect(secondsLeft(shorter)).toBeLessThanOrEqual(60);
    setPolicies(server, [rule(86_400)]);
    expect(secondsLeft(await open(server, agent))).toBeLessThanOrEqual(3600);
  });

  test('counts from the opening: a task that is older gets nothing any more', async () => {
    const task = await open(server, agent, { task_expires_in: 3000 });
    setPolicies(server, [rule(400)]);
    server.clock.advance(300);
    const joined = await join(task);
    expect(joined.body.expires_in).toBeLessThanOrEqual(100);
    expect(joined.body.expires_in).toBeGreaterThan(80);
    server.clock.advance(101);
    expect(await join(task)).toMatchObject(DENIED);
    expect(await refresh(task)).toMatchObject(DENIED);
  });
});

describe('refusals of policies', () => {
  test('are on record with the policy, its reason and whose child was refused', async () => {
    const parent = await open(server, agent);
    setPolicies(server, [
      {
        ...RULE,
        kind: 'tool_lists',
        effect: 'deny',
        tools: ['*'],
        name: 'no-tools',
        match: { clients: [other.clientId] },
      },
      { ...RULE, kind: 'tool_lists', effect: 'deny', tools: ['*'] },
    ]);
    const refused = await tokenExchange(server, agent, parent.token, { code_verifier: parent.verifier });
    expect(refused).toMatchObject(DENIED);
    const [event] = await auditEvents(server, { task_id: parent.taskId, event_type: 'token_refused' });
    expect(event).toMatchObject({
      client_id: agent.clientId,
      status: 'refused',
      details: {
        task_error: 'policy_denied',
        parent_token_id: parent.tokenId,
        policy: [{ ...RULE, effect: 'deny' }],
      },
    });
  });

  test('come from the engine in the same words as from the direct way', async () => {
    setPolicies(server, [{ ...RULE, kind: 'tool_lists', effect: 'allow', tools: [] }]);
    // RFC 6749 §2.3.1: an id may be percent-encoded, which only the engine reads.
    const encoded = `%${agent.clientId.charCodeAt(0).toString(16)}${agent.clientId.slice(1)}`;
    const credentials = Buffer.from(`${encoded}:${agent.clientSecret}`).toString('base64');
    const byEngine = { headers: { authorization: `Basic ${credentials}` } };
    const form = { grant_type: 'client_credentials', ...pkce().parameters };
    const [direct, engine] = [
      await requestToken(server, agent, form),
      await requestToken(server, byEngine, form),
    ];
    expect(direct).toMatchObject(DENIED);
    expect(engine.body).toEqual(direct.body);
    expect(engine.status).toBe(direct.status);
    const events = await auditEvents(server, { client_id: agent.clientId, event_type: 'token_refused' }, 2);
    expect(events[0].details.policy).toEqual([{ ...RULE, effect: 'deny' }]);
    expect(events[1].details.policy).toEqual([{ ...RULE, effect: 'deny' }]);
  });

  test('hold for everyone who asks at the same time', async () => {
    setPolicies(server, [{ ...RULE, kind: 'max_depth', maxDepth: 1 }]);
    const root = await open(server, agent, { delegates: other.clientId });
    const children = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 2 === 0 ? derive(server, root) : delegate(server, root, other),
      ),
    );
    for (const child of children) expect(child.body.task.max_depth).toBe(0);
    const below = await Promise.all(
      children.map((child) =>
        tokenExchange(server, child.agent, child.token, { code_verifier: child.verifier }),
      ),
    );
    for (const answer of below) expect(answer.body.task_error).toBe('max_depth_exceeded');
  });
});
