import { describe, expect, test } from '@jest/globals';
import { administer } from '../../support/parties.ts';
import { ADMIN_CLIENT } from '../../support/server.ts';
import type { OpenTask } from '../../support/token-requests.ts';
import { explainScene } from './scene.ts';

const { on, explain, aChain } = explainScene();

describe('explaining a token', () => {
  test('names the handle that ended it: a revocation in the middle, with why and by whom', async () => {
    const { child, grandchild, task } = await aChain();
    await administer(on.server, 'POST', `/api/admin/tokens/${child.tokenId}/revoke`, {
      reason: 'went astray',
    });
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
    expect(Date.parse(told.ended_by.at)).toBeLessThanOrEqual(on.server.clock.now());
    expect(told.steps.map(({ state }: { state: string }) => state)).toEqual(['active', 'active', 'revoked']);
    expect((await explain(task.tokenId)).is_live).toBe(true);
    // Nothing of how it came to be is lost.
    expect(told.scopes[0].path).toHaveLength(3);
  });

  test.each([
    [
      'task',
      async ({ child }: Chain) => administer(on.server, 'POST', `/api/tasks/${child.taskId}/revoke`, {}),
    ],
    [
      'agent',
      async () =>
        administer(on.server, 'POST', `/api/agents/${on.helper.clientId}/suspend`, { reason: 'odd' }),
    ],
    [
      'grant',
      async ({ grant }: Chain) =>
        administer(on.server, 'POST', `/api/admin/users/${on.person.userId}/consents/${grant}/revoke`, {}),
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
      expect(ended_by).toMatchObject({ handle: on.helper.clientId, reason: 'odd' });
      await administer(on.server, 'POST', `/api/agents/${on.helper.clientId}/reactivate`, {});
      // R4: it came back, its old tasks did not.
      expect((await explain(chain.grandchild.tokenId)).state).toBe('revoked');
    }
  });
});

interface Chain {
  readonly task: OpenTask;
  readonly child: OpenTask;
  readonly grandchild: OpenTask;
  readonly grant: string;
}
