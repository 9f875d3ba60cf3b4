import { describe, expect, test } from '@jest/globals';
import { changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import type { AppContext } from '../../src/app/context.ts';
import { endTask } from '../../src/app/tasks/end-task.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import { refreshTask } from '../../src/app/issuance/refresh-task.ts';
import { requestTaskToken } from '../../src/app/issuance/request-task-token.ts';
import { revokeToken } from '../../src/app/tokens/revoke-token.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { CALLER, type TestClock } from '../support/app-context.ts';
import { commandOf, deriveBelow, handOffTo, newAgent, onBothDatabases, resolved, SECRET } from './rivals.ts';

const caller = CALLER;

/** Whatever else there is between the decision of a use case and its commit: the cut comes first. */
function cutBeforeCommit(context: AppContext, cut: () => Promise<unknown>): AppContext {
  const commit: AppContext['store']['commit'] = async (unit) => {
    await cut();
    return context.store.commit(unit);
  };
  return { ...context, store: { ...context.store, commit } };
}

type Issue = (busy: AppContext, agent: Agent, parent: Issued) => Promise<unknown>;

onBothDatabases('decided before a cut and committed after it', (context, otherNode) => {
  const answer = () => context().digests.sha256(SECRET);
  const ways: Record<string, Issue> = {
    'a child': (busy, agent, parent) => deriveBelow(busy, agent, parent),
    'a hand-off token': (busy, agent, parent) => handOffTo(busy, agent, parent, agent),
    'a refreshed token': (busy, agent, parent) =>
      refreshTask(busy, {
        ...commandOf(busy, agent, { answer: answer() }),
        refreshToken: parent.refresh?.value ?? '',
      }),
    'another token of the task': (busy, agent, { task }) =>
      requestTaskToken(busy, {
        ...commandOf(busy, agent, { answer: answer(), taskId: task.taskId }),
        parentToken: undefined,
      }),
  };
  const cuts: Record<string, (parent: Issued, agent: Agent) => Promise<unknown>> = {
    'the end of its task': ({ task }) => endTask(otherNode(), { caller, task, as: 'revoked', reason: null }),
    'the suspension of its agent': (_, { clientId }) =>
      changeAgentState(otherNode(), { caller, clientId, to: 'suspended', reason: null }),
  };

  describe.each(Object.keys(cuts))('%s', (cut) => {
    test.each(Object.keys(ways))('refuses %s, and leaves no row of it', async (way) => {
      const agent = await newAgent(context(), { clientId: `agent-${cut}-${way}`.replaceAll(' ', '-') });
      const delegates = [agent.clientId];
      const codeChallenge = answer();
      const root = await openTask(context(), commandOf(context(), agent, { codeChallenge, delegates }));
      const before = await context().store.tokens.ofTask(root.task.handle);
      const busy = cutBeforeCommit(
        context(),
        () => cuts[cut]?.(root, agent) ?? Promise.reject(new Error(cut)),
      );
      await expect(ways[way]?.(busy, agent, root)).rejects.toMatchObject({
        code: expect.stringMatching(/^(parent_revoked|grant_revoked|task_not_active|fanout_exceeded)$/),
      });
      expect(await context().store.tokens.ofTask(root.task.handle)).toHaveLength(before.length);
      const { items } = await context().store.tasks.children(root.task.handle, { limit: 10 });
      expect(items).toEqual([]);
    });
  });

  test('a child is refused when only the token that it was asked with was revoked, alone', async () => {
    const agent = await newAgent(context());
    const root = await openTask(context(), commandOf(context(), agent, { codeChallenge: answer() }));
    const target = await resolved(otherNode(), root);
    const revokeAlone = () =>
      revokeToken(otherNode(), { caller, target, reason: null, revokeChildren: false });
    const busy = cutBeforeCommit(context(), revokeAlone);
    await expect(deriveBelow(busy, agent, root)).rejects.toMatchObject({ code: 'parent_revoked' });
  });

  test.each([
    ['a child', 'access', 'parent_expired'],
    ['a hand-off token', 'access', 'parent_expired'],
    ['a refreshed token', 'refresh', 'grant_expired'],
  ] as const)(
    '%s is refused when the %s token that it was asked with has expired',
    async (way, kind, code) => {
      const agent = await newAgent(context());
      const delegates = [agent.clientId];
      const root = await openTask(
        context(),
        commandOf(context(), agent, { codeChallenge: answer(), delegates }),
      );
      const clock = context().clock as TestClock;
      const seconds = ((root[kind]?.token.expiresAt ?? 0) - clock.now()) / 1000;
      const busy = cutBeforeCommit(context(), async () => clock.advance(seconds));
      await expect(ways[way]?.(busy, agent, root)).rejects.toMatchObject({ code });
      const { items } = await context().store.tasks.children(root.task.handle, { limit: 10 });
      expect(items).toEqual([]);
    },
  );

  test('a root is refused when its agent was suspended meanwhile', async () => {
    const agent = await newAgent(context());
    const { clientId } = agent;
    const suspend = () => changeAgentState(otherNode(), { caller, clientId, to: 'suspended', reason: null });
    const busy = cutBeforeCommit(context(), suspend);
    const opening = openTask(busy, commandOf(busy, agent, { codeChallenge: answer() }));
    await expect(opening).rejects.toMatchObject({ code: 'parent_revoked' });
  });
});
