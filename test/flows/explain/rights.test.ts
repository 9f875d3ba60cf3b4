import { describe, expect, test } from '@jest/globals';
import { browserOf } from '../../support/browser-session.ts';
import { getCode, redeemCode } from '../../support/code-flow.ts';
import { anEvent } from '../../support/fixtures.ts';
import { administer } from '../../support/parties.ts';
import { open, type OpenTask, requestToken } from '../../support/token-requests.ts';
import { explainScene } from './scene.ts';

const { on, explain, aChain } = explainScene();

/** As if an API had let the holder of the token in so often. */
function recordAccesses({ taskId, tokenId }: OpenTask, count: number): Promise<void> {
  const { ids, store } = on.server.taskgrant.context;
  const access = { at: on.server.clock.now(), type: 'api_access', tokenId, taskId } as const;
  const events = Array.from({ length: count }, () => anEvent(access));
  return store.commit({ id: ids.next(), guards: [], changes: [], events });
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
      client_id: on.specialist.clientId,
      task_id: grandchild.taskId,
      scope: 'reports:read',
      subject: { kind: 'user', id: on.person.userId, name: 'Ada Example' },
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
            client_id: on.assistant.clientId,
            before: null,
            after: 'reports:read',
            granted_by: 'consent',
            ceiling: 'permission',
            policy: ['short'],
          },
          {
            task_id: child.taskId,
            client_id: on.helper.clientId,
            before: 'reports:read',
            after: 'reports:read',
            granted_by: 'parent',
            ceiling: 'permission',
            policy: ['short', 'helpers'],
          },
          {
            task_id: grandchild.taskId,
            client_id: on.specialist.clientId,
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
        user_id: on.person.userId,
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

  test('of an agent of its own tells its role or permission, of a refresh token how it came', async () => {
    const own = await open(on.server, on.specialist, { scope: 'reports:read example:read' });
    const told = await explain(own.tokenId);
    expect(told.subject).toEqual({ kind: 'agent', id: on.specialist.clientId, name: 'Specialist' });
    expect(
      told.scopes.map(({ right, consented, path }: Right) => [right, consented, path[0]?.granted_by]),
    ).toEqual([
      ['reports:read', null, 'role:reader'],
      ['example:read', null, 'permission'],
    ]);
    const { task } = await aChain();
    // However much has happened in its task before.
    await recordAccesses(task, 250);
    const refreshed = await requestToken(on.server, on.assistant, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
    });
    const { items } = await on.server.taskgrant.store.tokens.search(
      { taskId: task.taskId, now: on.server.clock.now() },
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
    const flow = {
      agent: on.assistant,
      browser: browserOf(on.server, on.person),
      form: { scope: 'reports:read' },
    };
    const code = await getCode(on.server, flow);
    on.server.clock.advance(-5);
    const { body } = await redeemCode(on.server, on.assistant, code);
    const { steps, no_longer_known } = await explain(body.token_id);
    on.server.clock.advance(5);
    expect(steps).toMatchObject([{ consent: { user_id: on.person.userId } }]);
    expect(no_longer_known).toEqual([]);
  });

  test('a right that the agent lost since is told so', async () => {
    const task = await open(on.server, on.helper, { scope: 'reports:write' });
    const { permissions } = await administer(on.server, 'GET', `/api/agents/${on.helper.clientId}`);
    await administer(on.server, 'PUT', `/api/agents/${on.helper.clientId}`, {
      permissions: ['reports:read'],
    });
    const [right] = (await explain(task.tokenId)).scopes;
    expect(right.path[0]).toMatchObject({ granted_by: 'permission', ceiling: null });
    await administer(on.server, 'PUT', `/api/agents/${on.helper.clientId}`, { permissions });
  });
});

interface Right {
  readonly right: string;
  readonly consented: string | null;
  readonly path: readonly { readonly granted_by: string }[];
}
