import { describe, expect, test } from '@jest/globals';
import { extendLineage } from '../../src/domain/lineage.ts';
import { taskActor, taskClaim } from '../../src/domain/task-token.ts';
import { aChild, aTask, T0 } from '../support/fixtures.ts';

/** R5. */
describe('the lineage of a task', () => {
  const root = aTask({
    taskId: 'root',
    clientId: 'A',
    clientEpoch: 3,
    subject: 'usr_ada',
    subjectKind: 'user',
  });
  const child = aChild(root, 'token-of-root', { taskId: 'child', clientId: 'B', clientEpoch: 1 });
  const grandchild = aChild(child, 'token-of-child', { taskId: 'grandchild', clientId: 'C' });

  test('a root has none', () => {
    expect(root.lineage).toEqual([]);
    expect(taskClaim(root)).not.toHaveProperty('parent');
  });

  test('names the ancestors only, root first, each with the token that led further down', () => {
    expect(grandchild.lineage).toEqual([
      { task: root.handle, via: 'token-of-root', client: 'A', grant: root.grant, epoch: 3 },
      { task: child.handle, via: 'token-of-child', client: 'B', grant: child.grant, epoch: 1 },
    ]);
  });

  test('leaves the lineage of the parent as it was', () => {
    const before = structuredClone(child.lineage);
    extendLineage(child, 'another-token');
    expect(child.lineage).toEqual(before);
  });

  test('stands in the claim with the true root, the parent and its depth', () => {
    expect(taskClaim(grandchild)).toEqual({
      id: 'grandchild',
      handle: grandchild.handle,
      grant: grandchild.grant,
      epoch: 0,
      subject: { kind: 'user', epoch: 0 },
      root: 'root',
      parent: { id: 'child', depth: 1 },
      depth: 2,
      lineage: grandchild.lineage,
      expires_at: T0 / 1000 + 3600,
    });
  });

  test('the claim tells whole seconds, and never a later moment than the task ends at', () => {
    expect(taskClaim(aTask({ expiresAt: T0 + 1999 })).expires_at).toBe(T0 / 1000 + 1);
  });

  test('the actors follow from it', () => {
    expect(taskActor(root)).toEqual({ sub: 'A' });
    expect(taskActor(grandchild)).toEqual({ sub: 'C', act: { sub: 'B', act: { sub: 'A' } } });
  });
});
