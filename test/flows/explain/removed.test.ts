import { describe, expect, test } from '@jest/globals';
import { removeExpired } from '../../../src/app/remove-expired.ts';
import { asAdmin } from '../../support/parties.ts';
import { explainScene } from './scene.ts';

const { on, explain, aChain } = explainScene();

/** What retention removes by now: the defaults of the configuration. */
function cleanUp() {
  const { store } = on.server.taskgrant;
  return removeExpired({
    clock: on.server.clock,
    cleanup: store.cleanup,
    retention: { auditDays: 365, tasksDays: 90, tokensDays: 30, webhooksDays: 30 },
  });
}

describe('what is not known', () => {
  test('what retention removed is told by the audit trail, and named', async () => {
    const { task, child, grandchild } = await aChain();
    // Tokens are kept for 30 days after they expire, tasks for 90, audit events for 365.
    on.server.clock.advance(60 * 86_400);
    await cleanUp();
    const withoutTokens = await explain(grandchild.tokenId);
    expect(withoutTokens).toMatchObject({
      state: 'removed',
      is_live: false,
      kind: null,
      scope: 'reports:read',
      client_id: on.specialist.clientId,
      subject: { kind: 'user', id: on.person.userId },
      no_longer_known: ['the token itself'],
    });
    expect(withoutTokens.scopes[0].path).toHaveLength(3);
    expect(withoutTokens.steps[0].consent.user_id).toBe(on.person.userId);
    on.server.clock.advance(60 * 86_400);
    await cleanUp();
    const withoutTasks = await explain(grandchild.tokenId);
    expect(withoutTasks.steps.map(({ task_id }: { task_id: string }) => task_id)).toEqual([
      task.taskId,
      child.taskId,
      grandchild.taskId,
    ]);
    expect(withoutTasks.steps.map(({ state }: { state: unknown }) => state)).toEqual([null, null, null]);
    expect(withoutTasks).toMatchObject({
      subject: { kind: 'user', id: on.person.userId, name: 'Ada Example' },
      scopes: [{ path: [{}, { before: 'reports:read' }, { before: 'reports:read', granted_by: 'parent' }] }],
    });
    expect(withoutTasks.no_longer_known).toEqual(
      expect.arrayContaining([
        'the token itself',
        `the task ${task.taskId}, but for how it was opened`,
        `what was approved for the task ${task.taskId}`,
      ]),
    );
    on.server.clock.advance(300 * 86_400);
    await cleanUp();
    expect((await asAdmin(on.server, 'GET', `/api/admin/explain/${grandchild.tokenId}`)).status).toBe(404);
  });
});
