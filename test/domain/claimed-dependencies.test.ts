import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Dependency,
  endedBy,
  handleKey,
  restsOn,
  type Revocation,
  tokenDependencies,
} from '../../src/domain/revocation.ts';
import type { Task } from '../../src/domain/task.ts';
import { type TaskToken, tokenTaskClaim } from '../../src/domain/task-token.ts';
import { aChild, aTask, aToken } from '../support/fixtures.ts';

interface Claims {
  readonly jti: string;
  readonly sub: string;
  readonly client_id: string;
  readonly task: ReturnType<typeof tokenTaskClaim>;
}

function claimsOf(token: TaskToken, task: Task): Claims {
  const claims = {
    jti: token.tokenId,
    sub: token.subject,
    client_id: token.clientId,
    task: tokenTaskClaim(token, task),
  };
  // What a resource server gets went through JSON.
  return JSON.parse(JSON.stringify(claims)) as Claims;
}

/** As docs/lineage.md tells a resource server to do it, written without a look at the domain. */
function readDependencies({ jti, sub, client_id, task }: Claims): Dependency[] {
  const once = (kind: Dependency['kind'], handle: string) => ({ kind, handle, epoch: 0 });
  return [
    once('token', jti),
    once('token_self', jti),
    once('task', task.handle),
    once('grant', task.grant),
    { kind: 'agent', handle: client_id, epoch: task.epoch },
    { kind: task.subject.kind, handle: sub, epoch: task.subject.epoch },
    ...(task.via === undefined ? [] : [once('token', task.via)]),
    ...task.lineage.flatMap((ancestor): Dependency[] => [
      once('task', ancestor.task),
      once('token', ancestor.via),
      once('grant', ancestor.grant),
      { kind: 'agent', handle: ancestor.client, epoch: ancestor.epoch },
    ]),
  ];
}

/** Of one handle named twice the older epoch decides. */
function oldest(dependencies: readonly Dependency[]): ReadonlyMap<string, number> {
  const epochs = new Map<string, number>();
  for (const one of dependencies) {
    const key = handleKey(one);
    epochs.set(key, Math.min(one.epoch, epochs.get(key) ?? one.epoch));
  }
  return epochs;
}

const epoch = fc.nat(3);
/** Few names, so that chains meet the same agent, grant and even handle twice. */
const agent = fc.constantFrom('A', 'B', 'C');
const level = fc.record({ clientId: agent, clientEpoch: epoch, grant: fc.constantFrom('g1', 'g2', 'g3') });
const chain = fc
  .record({
    subject: fc.record({
      subject: fc.constantFrom('A', 'usr_ada'),
      subjectKind: fc.constantFrom('agent' as const, 'user' as const),
      subjectEpoch: epoch,
    }),
    levels: fc.array(level, { minLength: 1, maxLength: 8 }),
    handedOff: fc.boolean(),
  })
  .map(({ subject, levels: [first, ...below], handedOff }) => {
    let task = aTask({ ...first, ...subject });
    for (const [i, one] of below.entries()) task = aChild(task, `via-${i % 5}`, { ...one, ...subject });
    const token = handedOff
      ? aToken(task, { tokenId: 'own', kind: 'handoff', parentTokenId: 'handed-off' })
      : aToken(task, { tokenId: 'own' });
    return { token, task };
  });

test('a token rests on a handle exactly when one of its dependencies has it', () => {
  fc.assert(
    fc.property(chain, ({ token, task }) => {
      const handles = new Set(tokenDependencies(token, task).map(({ handle }) => handle));
      for (const one of [...handles, 'other', 'usr_ada', 'A', 'B', 'C', 'g1', 'handed-off', 'via-0']) {
        expect([one, restsOn(token, task, (handle) => handle === one)]).toEqual([one, handles.has(one)]);
      }
      const asked = new Set<string>();
      restsOn(token, task, (handle) => {
        asked.add(handle);
        return false;
      });
      expect(asked).toEqual(handles);
    }),
  );
});

describe('what a token depends on, read from its claims alone', () => {
  test('is what the domain says, for any chain', () => {
    fc.assert(
      fc.property(chain, ({ token, task }) => {
        const claimed = oldest(readDependencies(claimsOf(token, task)));
        expect(claimed).toEqual(oldest(tokenDependencies(token, task)));
      }),
    );
  });

  test('ends by the same rows of a ledger', () => {
    const row = (task: Task): fc.Arbitrary<Revocation> =>
      fc.record({
        kind: fc.constantFrom('token', 'token_self', 'task', 'grant', 'agent', 'user'),
        handle: fc.constantFrom(
          'own',
          'handed-off',
          'via-0',
          'A',
          'B',
          'g1',
          'usr_ada',
          'other',
          task.handle,
          ...task.lineage.map((ancestor) => ancestor.task),
        ),
        epoch,
      });
    const played = chain.chain((one) =>
      fc.record({ one: fc.constant(one), ledger: fc.array(row(one.task), { maxLength: 3 }) }),
    );
    let ended = 0;
    fc.assert(
      fc.property(played, ({ one: { token, task }, ledger }) => {
        const claimed = readDependencies(claimsOf(token, task));
        const isEnded = endedBy(tokenDependencies(token, task), ledger) !== undefined;
        expect(endedBy(claimed, ledger) !== undefined).toBe(isEnded);
        if (isEnded) ended += 1;
      }),
      { numRuns: 300 },
    );
    // Both outcomes were met.
    expect(ended).toBeGreaterThan(20);
    expect(ended).toBeLessThan(280);
  });

  test('takes no description and no list that could be large', () => {
    const task = aTask({ description: 'x'.repeat(500), tools: ['a', 'b'] });
    const claim = tokenTaskClaim(aToken(task), task);
    expect(JSON.stringify(claim)).not.toContain('xxx');
    expect(Object.keys(claim).toSorted()).toEqual(
      ['depth', 'epoch', 'expires_at', 'grant', 'handle', 'id', 'lineage', 'root', 'subject'].toSorted(),
    );
  });
});
