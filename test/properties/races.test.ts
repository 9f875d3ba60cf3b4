import { expect, test } from '@jest/globals';
import { changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import type { AppContext } from '../../src/app/context.ts';
import { endTask } from '../../src/app/tasks/end-task.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import type { ResolvedToken } from '../../src/app/tokens/resolve-token.ts';
import { refreshTask } from '../../src/app/issuance/refresh-task.ts';
import { requestTaskToken } from '../../src/app/issuance/request-task-token.ts';
import { revokeToken } from '../../src/app/tokens/revoke-token.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { CALLER } from '../support/app-context.ts';
import {
  commandOf,
  deriveBelow,
  handOffTo,
  interrupted,
  newAgent,
  onBothDatabases,
  race,
  resolved,
  SECRET,
  times,
} from './rivals.ts';

const caller = CALLER;

async function open(context: AppContext, agent: Agent, request = {}): Promise<Issued> {
  const codeChallenge = context.digests.sha256(SECRET);
  return openTask(context, commandOf(context, agent, { codeChallenge, ...request }));
}

onBothDatabases('rivals', (context, otherNode) => {
  const revoke = (target: ResolvedToken) =>
    revokeToken(otherNode(), { caller, target, reason: null, revokeChildren: true });
  const end = ({ task }: Issued, as: 'revoked' | 'completed') =>
    endTask(otherNode(), { caller, task, as, reason: null });
  const cuts: Record<string, (root: Issued, parent: Issued) => Promise<unknown>> = {
    'the root token': async (root) => revoke(await resolved(otherNode(), root)),
    'the root task': (root) => end(root, 'revoked'),
    'the parent task': (_, parent) => end(parent, 'completed'),
    'the agent': ({ task: { clientId } }) =>
      changeAgentState(otherNode(), { caller, clientId, to: 'suspended', reason: null }),
  };

  test.each(Object.keys(cuts))(
    'a child issued while %s is cut off is dead at birth (50 rounds)',
    async (what) => {
      let born = 0;
      for (let round = 0; round < 50; round += 1) {
        const agent = await newAgent(context());
        const root = await open(context(), agent);
        const parent = await deriveBelow(context(), agent, root);
        const cut = () => cuts[what]?.(root, parent) ?? Promise.reject(new Error(what));
        const { context: busy, other } = interrupted(context(), round, cut);
        const [child] = await Promise.allSettled([deriveBelow(busy, agent, parent)]);
        await other();
        if (child.status === 'rejected') continue;
        born += 1;
        const { access, refresh = access } = child.value;
        for (const token of [access, refresh])
          expect((await resolved(context(), { ...child.value, access: token })).liveness).not.toBe('live');
      }
      // Rounds in which every child was refused in time would prove nothing.
      expect(born).toBeGreaterThan(0);
    },
  );

  test('a child derived while its hand-off token is revoked is dead at birth (200 rounds)', async () => {
    const [agent, delegate] = [await newAgent(context()), await newAgent(context())];
    let born = 0;
    for (let round = 0; round < 200; round += 1) {
      const root = await open(context(), agent, { delegates: [delegate.clientId] });
      const voucher = await handOffTo(context(), agent, root, delegate);
      const target = await resolved(otherNode(), voucher);
      const { context: busy, other } = interrupted(context(), round, () => revoke(target));
      const request = { codeChallenge: 'of-the-delegate' };
      const [child] = await Promise.allSettled([deriveBelow(busy, delegate, voucher, request)]);
      await other();
      if (child.status === 'rejected') continue;
      born += 1;
      expect((await resolved(context(), child.value)).liveness).toBe('revoked');
    }
    expect(born).toBeGreaterThan(0);
  });

  test('of 50 requests for one task_id one opens the task', async () => {
    const agents = [await newAgent(context()), await newAgent(context())];
    const { granted, refused } = await race(
      times(50, (i) => () => {
        const agent = agents[i % 2] as Agent;
        const request = { taskId: 'the-only-one', codeChallenge: context().digests.sha256(`process ${i}`) };
        return requestTaskToken(context(), {
          ...commandOf(context(), agent, request),
          parentToken: undefined,
        });
      }),
    );
    expect(granted).toHaveLength(1);
    expect(new Set(refused)).toEqual(new Set(['task_id_taken']));
  });

  test('of 50 redemptions of one hand-off token one succeeds', async () => {
    const [agent, delegate] = [await newAgent(context()), await newAgent(context())];
    const root = await open(context(), agent, { delegates: [delegate.clientId] });
    const voucher = await handOffTo(context(), agent, root, delegate);
    const { granted, refused } = await race(
      times(50, (i) => () => deriveBelow(context(), delegate, voucher, { codeChallenge: `of process ${i}` })),
    );
    expect(granted).toHaveLength(1);
    expect(refused).toEqual(times(49, () => 'parent_revoked'));
    const { items } = await context().store.tasks.children(root.task.handle, { limit: 100 });
    expect(items).toHaveLength(1);
  });

  test('of 50 children derived at once as many are born as the parent may have', async () => {
    const agent = await newAgent(context());
    const root = await open(context(), agent, { maxChildren: 7 });
    const { granted, refused } = await race(times(50, () => () => deriveBelow(context(), agent, root)));
    expect(granted).toHaveLength(7);
    expect(refused).toEqual(times(43, () => 'fanout_exceeded'));
  });

  test('64 refreshes at once within the grace time all work and share one family', async () => {
    const agent = await newAgent(context());
    const root = await open(context(), agent);
    const refreshToken = root.refresh?.value ?? '';
    const answer = context().digests.sha256(SECRET);
    const { granted, refused } = await race(
      times(
        64,
        () => () => refreshTask(context(), { ...commandOf(context(), agent, { answer }), refreshToken }),
      ),
    );
    expect(refused).toEqual([]);
    expect(granted).toHaveLength(64);
    expect(new Set(granted.map(({ task }) => task.grant))).toEqual(new Set([root.task.grant]));
    expect(new Set(granted.map(({ refresh }) => refresh?.token.generation))).toEqual(new Set([1]));
    expect(new Set(granted.map(({ access }) => access.token.tokenId)).size).toBe(64);
    for (const issued of granted) expect((await resolved(context(), issued)).liveness).toBe('live');
    await endTask(context(), { caller, task: root.task, as: 'revoked', reason: null });
    for (const issued of granted) expect((await resolved(context(), issued)).liveness).toBe('revoked');
  });
});
