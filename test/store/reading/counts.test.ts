import { expect, test } from '@jest/globals';
import { aTask, aToken, T0 } from '../../support/fixtures.ts';
import { readingOnEveryDatabase } from './reading.ts';

readingOnEveryDatabase(({ store, save, aTree }) => {
  test('counts tell how much there is', async () => {
    const before = await store().counts(T0);
    const { clientId } = await aTree();
    const task = aTask({ clientId, expiresAt: T0 });
    await save(
      [
        task,
        aTask({ clientId, state: 'failed' }),
        aTask({ clientId, state: 'failed', expiresAt: T0 }),
        aTask({ clientId, state: 'completed', expiresAt: T0 - 1 }),
      ],
      [
        aToken(task, { expiresAt: T0 }),
        aToken(task, { revokedAt: T0 }),
        aToken(task, { revokedAt: T0, expiresAt: T0 }),
      ],
    );
    const after = await store().counts(T0);
    expect(after.tasks).toEqual({
      ...before.tasks,
      active: before.tasks.active + 4,
      expired: before.tasks.expired + 1,
      failed: before.tasks.failed + 2,
      completed: before.tasks.completed + 1,
    });
    expect(after.tokens).toEqual({
      active: before.tokens.active + 4,
      expired: before.tokens.expired + 1,
      revoked: before.tokens.revoked + 2,
    });
    expect(after.auditEvents).toBe(before.auditEvents + 2);
  });
});
