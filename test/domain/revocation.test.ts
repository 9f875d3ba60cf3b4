import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Dependency,
  endedBy,
  type HandleKind,
  handleKey,
  type Revocation,
  taskDependencies,
  tokenDependencies,
} from '../../src/domain/revocation.ts';
import { aChild, aTask, aToken } from '../support/fixtures.ts';

const root = aTask({
  clientId: 'A',
  clientEpoch: 2,
  subject: 'usr_ada',
  subjectKind: 'user',
  subjectEpoch: 5,
});
const child = aChild(root, 'via-1', { clientId: 'B', clientEpoch: 7, subjectEpoch: 5 });
const grandchild = aChild(child, 'via-2', { clientId: 'A', clientEpoch: 3, subjectEpoch: 5 });

function row(kind: HandleKind, handle: string, epoch = 0): Revocation {
  return { kind, handle, epoch };
}

function ends(dependencies: readonly Dependency[], ...ledger: Revocation[]): boolean {
  return endedBy(dependencies, ledger) !== undefined;
}

/** R2, R3. */
describe('what one row of the ledger ends', () => {
  const own = tokenDependencies(aToken(grandchild, { tokenId: 'own' }), grandchild);

  test.each([
    ['the token', row('token', 'own')],
    ['the token alone', row('token_self', 'own')],
    ['its task', row('task', grandchild.handle)],
    ['the parent', row('task', child.handle)],
    ['the root', row('task', root.handle)],
    ['the token that its task was derived through', row('token', 'via-2')],
    ['the token that the parent was derived through', row('token', 'via-1')],
    ['its own family', row('grant', grandchild.grant)],
    ['the authorization at the root', row('grant', root.grant)],
    ['its agent', row('agent', 'A', 3)],
    ['the agent of the parent', row('agent', 'B', 8)],
    ['the person', row('user', 'usr_ada', 6)],
  ])('%s', (_name, revocation) => {
    expect(endedBy(own, [row('task', 'another'), revocation])).toBe(revocation);
  });

  test.each([
    ['the revocation of an ancestor token alone', row('token_self', 'via-1')],
    ['the revocation of another token of the parent', row('token', 'sibling')],
    ['a handle of another kind with the same name', row('task', 'via-1')],
    ['an agent named like the person', row('agent', 'usr_ada', 99)],
    ['an older revocation of its agent', row('agent', 'A', 2)],
    ['a revocation that the parent was authorised after', row('agent', 'B', 7)],
    ['an older sign-out of the person', row('user', 'usr_ada', 5)],
  ])('lives on after %s', (_name, revocation) => {
    expect(ends(own, revocation)).toBe(false);
  });

  test('a token that was revoked alone leaves its task and the tokens beside it', () => {
    const ledger = [row('token_self', 'first')];
    expect(endedBy(tokenDependencies(aToken(root, { tokenId: 'first' }), root), ledger)).toBeDefined();
    expect(endedBy(tokenDependencies(aToken(root, { tokenId: 'second' }), root), ledger)).toBeUndefined();
    expect(endedBy(taskDependencies(child), ledger)).toBeUndefined();
  });

  test('a hand-off token ends with the token that was handed off, but not when that one is revoked alone', () => {
    const voucher = aToken(root, { tokenId: 'voucher', kind: 'handoff', parentTokenId: 'handed-off' });
    expect(ends(tokenDependencies(voucher, root), row('token', 'handed-off'))).toBe(true);
    expect(ends(tokenDependencies(voucher, root), row('token_self', 'handed-off'))).toBe(false);
  });

  test('an access token outlives the token that its task was derived through when that one is revoked alone', () => {
    const own = tokenDependencies(aToken(child), child);
    expect(ends(own, row('token_self', 'via-1'))).toBe(false);
  });

  test('an empty ledger ends nothing, and nothing is ended without a dependency', () => {
    expect(endedBy(own, [])).toBeUndefined();
    expect(endedBy([], [row('task', root.handle)])).toBeUndefined();
  });
});

/** R4. */
describe('epochs', () => {
  test('a raised epoch ends what was authorised under any lower one, and nothing later', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.constantFrom('agent' as const, 'user' as const),
        (held, raised, kind) => {
          const dependency = { kind, handle: 'x', epoch: held };
          expect(ends([dependency], row(kind, 'x', raised))).toBe(raised > held);
        },
      ),
    );
  });

  test('of two epochs of one agent in a chain the older one decides', () => {
    // The root was authorised in epoch 2, the grandchild of the same agent in epoch 3.
    const agents = taskDependencies(grandchild).filter(
      ({ kind, handle }) => kind === 'agent' && handle === 'A',
    );
    expect(agents).toEqual([{ kind: 'agent', handle: 'A', epoch: 2 }]);
    expect(ends(taskDependencies(grandchild), row('agent', 'A', 3))).toBe(true);
    expect(ends(taskDependencies(grandchild), row('agent', 'A', 2))).toBe(false);
  });

  test('handles that do not count ignore the epoch', () => {
    for (const kind of ['token', 'token_self', 'task', 'grant'] as const)
      expect(ends([{ kind, handle: 'x', epoch: 9 }], row(kind, 'x', 0))).toBe(true);
  });
});

describe('the handles that a token depends on', () => {
  test('are each named once', () => {
    const keys = tokenDependencies(aToken(grandchild, { tokenId: 'own' }), grandchild).map(handleKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('grow with the depth and with nothing else', () => {
    let task = aTask({ clientId: 'A' });
    const counts = [taskDependencies(task).length];
    for (let depth = 1; depth <= 16; depth += 1) {
      task = aChild(task, `via-${depth}`, { clientId: `agent-${depth}` });
      counts.push(taskDependencies(task).length);
    }
    expect(counts.map((count, depth) => count - (counts[depth - 1] ?? count))).toEqual([
      0,
      ...Array(16).fill(4),
    ]);
  });

  test('of a descendant include all of every ancestor, except the tokens that led nowhere near it', () => {
    const below = new Set(taskDependencies(grandchild).map(handleKey));
    for (const ancestor of [root, child])
      for (const key of taskDependencies(ancestor).map(handleKey)) expect(below).toContain(key);
  });

  test('kinds never collide', () => {
    expect(handleKey({ kind: 'token', handle: 'x' })).not.toBe(handleKey({ kind: 'task', handle: 'x' }));
  });
});
