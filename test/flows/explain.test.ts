import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { removeExpired } from '../../src/app/remove-expired.ts';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  asAdmin,
  createPerson,
  type PersonParty,
  registerAgent,
} from '../support/parties.ts';
import { anEvent } from '../support/fixtures.ts';
import { setPolicies } from '../support/policies.ts';
import { send } from '../support/requests.ts';
import { ADMIN_CLIENT, startServer, type TestServer } from '../support/server.ts';
import { delegate, open, type OpenTask, requestToken, TOKEN_EXCHANGE } from '../support/token-requests.ts';

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
const SHORT = { kind: 'max_lifetime', name: 'short', reason: 'work for people is short', seconds: 1800 };
const HELPERS = { kind: 'tool_lists', name: 'helpers', reason: 'helpers only search', effect: 'allow' };

let server: TestServer;
let person: PersonParty;
let assistant: AgentParty;
let helper: AgentParty;
let specialist: AgentParty;

beforeAll(async () => {
  server = await startServer();
  person = await createPerson(server, { permissions: ['reports:write'] });
  assistant = await registerAgent(server, {
    agent_name: 'Assistant',
    redirect_uris: [CALLBACK],
    grant_types: GRANTS,
  });
  helper = await registerAgent(server, { agent_name: 'Helper' });
  specialist = await registerAgent(server, { agent_name: 'Specialist', permissions: ['example:read'] });
  await administer(server, 'POST', '/api/admin/roles', {
    name: 'reader',
    description: 'Reads reports',
    permissions: ['reports:read'],
  });
  await administer(server, 'PUT', `/api/admin/roles/reader/agents/${specialist.clientId}`);
  await administer(server, 'PUT', `/api/admin/roles/reader/users/${person.userId}`);
});
afterAll(() => server.stop());

const explain = (tokenId: string) => administer(server, 'GET', `/api/admin/explain/${tokenId}`);

/** As if an API had let the holder of the token in so often. */
function recordAccesses({ taskId, tokenId }: OpenTask, count: number): Promise<void> {
  const { ids, store } = server.taskgrant.context;
  const access = { at: server.clock.now(), type: 'api_access', tokenId, taskId } as const;
  const events = Array.from({ length: count }, () => anEvent(access));
  return store.commit({ id: ids.next(), guards: [], changes: [], events });
}

/** What retention removes by now: the defaults of the configuration. */
function cleanUp() {
  const { store } = server.taskgrant;
  return removeExpired({
    clock: server.clock,
    cleanup: store.cleanup,
    retention: { auditDays: 365, tasksDays: 90, tokensDays: 30, webhooksDays: 30 },
  });
}

/** A person's consent → the assistant → a helper, by hand-off → a specialist, by hand-off; under two policies. */
async function aChain() {
  setPolicies(server, [
    { ...SHORT, match: { subjects: ['user'] } },
    { ...HELPERS, match: { clients: [helper.clientId] }, tools: ['search'] },
  ]);
  const task = await authorize(server, {
    agent: assistant,
    browser: browserOf(server, person),
    form: {
      scope: 'reports:read reports:write',
      delegates: `${helper.clientId} ${specialist.clientId}`,
    },
  });
  const child = await delegate(server, task, helper, {
    required_tools: 'search',
    delegates: specialist.clientId,
  });
  const grandchild = await delegate(server, child, specialist, { scope: 'reports:read' });
  setPolicies(server, []);
  return { task, child, grandchild };
}

describe('explaining a token', () => {
  test('tells for each right who, by which consent, through which tasks and agents, under which policies', async () => {
    const { task, child, grandchild } = await aChain();
    const told = await explain(grandchild.tokenId);
    expect(told).toMatchObject({
      token_id: grandchild.tokenId,
      kind: 'access',
      is_live: true,
      state: 'live',
      ended_by: null,
      client_id: specialist.clientId,
      task_id: grandchild.taskId,
      scope: 'reports:read',
      subject: { kind: 'user', id: person.userId, name: 'Ada Example' },
      task_chain: `/api/admin/audit/task-chain/${grandchild.taskId}`,
      no_longer_known: [],
    });
    expect(told.scopes).toEqual([
      {
        right: 'reports:read',
        consented: 'reports:read',
        path: [
          {
            task_id: task.taskId,
            client_id: assistant.clientId,
            before: null,
            after: 'reports:read',
            granted_by: 'consent',
            ceiling: 'permission',
            policy: ['short'],
          },
          {
            task_id: child.taskId,
            client_id: helper.clientId,
            before: 'reports:read',
            after: 'reports:read',
            granted_by: 'parent',
            ceiling: 'permission',
            policy: ['short', 'helpers'],
          },
          {
            task_id: grandchild.taskId,
            client_id: specialist.clientId,
            before: 'reports:read',
            after: 'reports:read',
            granted_by: 'parent',
            ceiling: 'role:reader',
            policy: ['short', 'helpers'],
          },
        ],
      },
    ]);
    const [root, middle, leaf] = told.steps;
    expect(root).toMatchObject({
      task_id: task.taskId,
      agent_name: 'Assistant',
      origin: 'authorization_code',
      depth: 0,
      state: 'active',
      token_id: task.tokenId,
      via_token_id: null,
      scope_before: null,
      scope_after: 'reports:read reports:write',
      consent: {
        user_id: person.userId,
        granted: 'reports:read reports:write',
        held_by: { 'reports:read': 'role:reader', 'reports:write': 'permission' },
      },
      policy: { opened: [{ name: 'short', effect: 'bound', max_lifetime: 1800 }] },
    });
    expect(middle).toMatchObject({
      task_id: child.taskId,
      depth: 1,
      consent: null,
      via_token_id: task.tokenId,
      hand_off_token_id: expect.any(String),
      scope_before: 'reports:read reports:write',
      token_id: child.tokenId,
      policy: {
        hand_off: [{ name: 'short' }],
        opened: [{ name: 'short' }, { name: 'helpers', effect: 'allow', reason: 'helpers only search' }],
        issued: [{ name: 'short' }, { name: 'helpers' }],
      },
    });
    expect(leaf).toMatchObject({
      depth: 2,
      via_token_id: child.tokenId,
      scope_before: 'reports:read reports:write',
      scope_after: 'reports:read',
      policy: { hand_off: [{ name: 'short' }, { name: 'helpers' }] },
    });
  });

  test('names the handle that ended it: a revocation in the middle, with why and by whom', async () => {
    const { child, grandchild, task } = await aChain();
    await administer(server, 'POST', `/api/admin/tokens/${child.tokenId}/revoke`, { reason: 'went astray' });
    const told = await explain(grandchild.tokenId);
    expect(told).toMatchObject({
      is_live: false,
      state: 'revoked',
      ended_by: {
        kind: 'token',
        handle: child.tokenId,
        task_id: child.taskId,
        reason: 'went astray',
        actor: ADMIN_CLIENT,
      },
    });
    expect(Date.parse(told.ended_by.at)).toBeLessThanOrEqual(server.clock.now());
    expect(told.steps.map(({ state }: { state: string }) => state)).toEqual(['active', 'active', 'revoked']);
    expect((await explain(task.tokenId)).is_live).toBe(true);
    // Nothing of how it came to be is lost.
    expect(told.scopes[0].path).toHaveLength(3);
  });

  test.each([
    ['task', async ({ child }: Chain) => administer(server, 'POST', `/api/tasks/${child.taskId}/revoke`, {})],
    [
      'agent',
      async () => administer(server, 'POST', `/api/agents/${helper.clientId}/suspend`, { reason: 'odd' }),
    ],
    [
      'grant',
      async ({ grant }: Chain) =>
        administer(server, 'POST', `/api/admin/users/${person.userId}/consents/${grant}/revoke`, {}),
    ],
  ] as const)('after the end of a %s in the middle says so', async (kind, end) => {
    const chain = await aChain();
    const [root] = (await explain(chain.grandchild.tokenId)).steps;
    await end({ ...chain, grant: root.consent.grant });
    const { ended_by, state } = await explain(chain.grandchild.tokenId);
    expect(state).toBe('revoked');
    const at = kind === 'grant' ? chain.task.taskId : chain.child.taskId;
    expect(ended_by).toMatchObject({ kind, task_id: at, actor: ADMIN_CLIENT });
    if (kind === 'agent') {
      expect(ended_by).toMatchObject({ handle: helper.clientId, reason: 'odd' });
      await administer(server, 'POST', `/api/agents/${helper.clientId}/reactivate`, {});
      // R4: it came back, its old tasks did not.
      expect((await explain(chain.grandchild.tokenId)).state).toBe('revoked');
    }
  });

  test('of an agent of its own tells its role or permission, of a refresh token how it came', async () => {
    const own = await open(server, specialist, { scope: 'reports:read example:read' });
    const told = await explain(own.tokenId);
    expect(told.subject).toEqual({ kind: 'agent', id: specialist.clientId, name: 'Specialist' });
    expect(
      told.scopes.map(({ right, consented, path }: Right) => [right, consented, path[0]?.granted_by]),
    ).toEqual([
      ['reports:read', null, 'role:reader'],
      ['example:read', null, 'permission'],
    ]);
    const { task } = await aChain();
    // However much has happened in its task before.
    await recordAccesses(task, 250);
    const refreshed = await requestToken(server, assistant, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
    });
    const { items } = await server.taskgrant.store.tokens.search(
      { taskId: task.taskId, now: server.clock.now() },
      { limit: 10 },
    );
    const refresh = items.filter(({ kind }) => kind === 'refresh');
    expect(refresh).toHaveLength(2);
    for (const { tokenId } of refresh) {
      const row = await explain(tokenId);
      expect(row).toMatchObject({ kind: 'refresh', no_longer_known: [] });
      expect(row.scopes[0].path[0].granted_by).toBe('consent');
    }
    expect((await explain(refreshed.body.token_id)).is_live).toBe(true);
  });

  test('finds an approval that a server with a clock ahead has recorded', async () => {
    const flow = { agent: assistant, browser: browserOf(server, person), form: { scope: 'reports:read' } };
    const code = await getCode(server, flow);
    server.clock.advance(-5);
    const { body } = await redeemCode(server, assistant, code);
    const { steps, no_longer_known } = await explain(body.token_id);
    server.clock.advance(5);
    expect(steps).toMatchObject([{ consent: { user_id: person.userId } }]);
    expect(no_longer_known).toEqual([]);
  });

  test('a right that the agent lost since is told so', async () => {
    const task = await open(server, helper, { scope: 'reports:write' });
    const { permissions } = await administer(server, 'GET', `/api/agents/${helper.clientId}`);
    await administer(server, 'PUT', `/api/agents/${helper.clientId}`, { permissions: ['reports:read'] });
    const [right] = (await explain(task.tokenId)).scopes;
    expect(right.path[0]).toMatchObject({ granted_by: 'permission', ceiling: null });
    await administer(server, 'PUT', `/api/agents/${helper.clientId}`, { permissions });
  });
});

describe('what is not known', () => {
  test.each([['unknown'], ['__proto__'], ['constructor']])('a token that never was: %s', async (id) => {
    const answer = await asAdmin(server, 'GET', `/api/admin/explain/${id}`);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  test.each([[`${'x'.repeat(129)}`], ['%C3%BC'], ['a%20b']])('no id at all: %s', async (id) => {
    const answer = await asAdmin(server, 'GET', `/api/admin/explain/${id}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'request_invalid']);
  });

  test('nobody but administrators may ask', async () => {
    const task = await open(server, helper);
    const path = `/api/admin/explain/${task.tokenId}`;
    expect((await send(server, path)).status).toBe(401);
    const own = await send(server, path, { headers: { authorization: `Bearer ${task.token}` } });
    expect(own.status).toBe(401);
  });

  test('what retention removed is told by the audit trail, and named', async () => {
    const { task, child, grandchild } = await aChain();
    // Tokens are kept for 30 days after they expire, tasks for 90, audit events for 365.
    server.clock.advance(60 * 86_400);
    await cleanUp();
    const withoutTokens = await explain(grandchild.tokenId);
    expect(withoutTokens).toMatchObject({
      state: 'removed',
      is_live: false,
      kind: null,
      scope: 'reports:read',
      client_id: specialist.clientId,
      subject: { kind: 'user', id: person.userId },
      no_longer_known: ['the token itself'],
    });
    expect(withoutTokens.scopes[0].path).toHaveLength(3);
    expect(withoutTokens.steps[0].consent.user_id).toBe(person.userId);
    server.clock.advance(60 * 86_400);
    await cleanUp();
    const withoutTasks = await explain(grandchild.tokenId);
    expect(withoutTasks.steps.map(({ task_id }: { task_id: string }) => task_id)).toEqual([
      task.taskId,
      child.taskId,
      grandchild.taskId,
    ]);
    expect(withoutTasks.steps.map(({ state }: { state: unknown }) => state)).toEqual([null, null, null]);
    expect(withoutTasks).toMatchObject({
      subject: { kind: 'user', id: person.userId, name: 'Ada Example' },
      scopes: [{ path: [{}, { before: 'reports:read' }, { before: 'reports:read', granted_by: 'parent' }] }],
    });
    expect(withoutTasks.no_longer_known).toEqual(
      expect.arrayContaining([
        'the token itself',
        `the task ${task.taskId}, but for how it was opened`,
        `what was approved for the task ${task.taskId}`,
      ]),
    );
    server.clock.advance(300 * 86_400);
    await cleanUp();
    expect((await asAdmin(server, 'GET', `/api/admin/explain/${grandchild.tokenId}`)).status).toBe(404);
  });
});

interface Chain {
  readonly task: OpenTask;
  readonly child: OpenTask;
  readonly grandchild: OpenTask;
  readonly grant: string;
}

interface Right {
  readonly right: string;
  readonly consented: string | null;
  readonly path: readonly { readonly granted_by: string }[];
}
