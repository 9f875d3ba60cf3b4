import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { scopeArbitrary } from './rights.ts';
import {
  type HandleKind,
  type Revocation,
  endedBy,
  tokenDependencies,
} from '../../../src/domain/revocation.ts';
import { covers as serverCovers } from '../../../src/domain/scope.ts';
import type { Task } from '../../../src/domain/task.ts';
import { tokenTaskClaim } from '../../../src/domain/task-token.ts';
import { aChild, aTask, aToken } from '../../../test/support/fixtures.ts';
import { dependenciesOf } from '../../src/resource/dependencies.ts';
import { createLedger, type FeedRow } from '../../src/resource/ledger.ts';
import { covers } from '../../src/shared/covers.ts';

/** What the SDK decides by itself must be what the server's own rules say. */
const epoch = fc.nat(3);
/** Few names, so that chains meet themselves and rows meet chains. */
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const kind = fc.constantFrom<HandleKind>('token', 'token_self', 'task', 'grant', 'agent', 'user');

const link = fc.record({ handle: name, grant: name, clientId: name, clientEpoch: epoch, via: name });
const chain = fc.record({
  subject: name,
  subjectKind: fc.constantFrom<'user' | 'agent'>('user', 'agent'),
  subjectEpoch: epoch,
  links: fc.array(link, { minLength: 1, maxLength: 8 }),
  tokenId: name,
  handoff: fc.boolean(),
});

const rows = fc.array(fc.record({ kind, handle: name, epoch }), { maxLength: 12 });

function tokenOf({
  subject,
  subjectKind,
  subjectEpoch,
  links,
  tokenId,
  handoff,
}: typeof chain extends fc.Arbitrary<infer T> ? T : never) {
  const [first, ...further] = links;
  const person = { subject, subjectKind, subjectEpoch };
  const root = aTask({ ...first, ...person });
  const task = further.reduce<Task>(
    (parent, { via, ...over }) => aChild(parent, via, { ...over, ...person }),
    root,
  );
  const token = aToken(task, {
    tokenId,
    kind: handoff ? 'handoff' : 'access',
    parentTokenId: handoff ? 'f' : task.parentTokenId,
  });
  // What is left of it on the way through JSON.
  const claims = JSON.parse(
    JSON.stringify({
      jti: tokenId,
      sub: subject,
      client_id: task.clientId,
      task: tokenTaskClaim(token, task),
    }),
  ) as Record<string, unknown>;
  return { token, task, claims };
}

const ledgerOf = (given: readonly Revocation[]) => {
  const ledger = createLedger(1000, () => 0);
  ledger.apply(given.map((row, i): FeedRow => [i + 1, row.kind, row.handle, row.epoch]));
  return ledger;
};

test('a token is ended in memory exactly when it is ended at the server (property)', () => {
  let ended = 0;
  fc.assert(
    fc.property(chain, rows, (made, given) => {
      const { token, task, claims } = tokenOf(made);
      const dependencies = dependenciesOf(claims);
      expect(dependencies).toBeDefined();
      const atServer = endedBy(tokenDependencies(token, task), given) !== undefined;
      expect(ledgerOf(given).ends(dependencies ?? [])).toBe(atServer);
      ended += atServer ? 1 : 0;
    }),
    { numRuns: 500 },
  );
  // Both must have come about often.
  expect(ended).toBeGreaterThan(50);
  expect(ended).toBeLessThan(450);
});

test('claims that leave anything out are not judged by the rest (property)', () => {
  fc.assert(
    fc.property(chain, fc.nat(20), (made, which) => {
      const { claims } = tokenOf(made);
      const task = claims['task'] as Record<string, unknown> & { lineage: Record<string, unknown>[] };
      const parts = [
        ...['jti', 'sub', 'client_id', 'task'].map((member) => [claims, member] as const),
        ...['handle', 'grant', 'epoch', 'subject', 'lineage'].map((member) => [task, member] as const),
        ...task.lineage.flatMap((ancestor) =>
          Object.keys(ancestor).map((member) => [ancestor, member] as const),
        ),
      ];
      const [holder, member] = parts[which % parts.length] ?? [claims, 'jti'];
      delete holder[member];
      expect(dependenciesOf(claims)).toBeUndefined();
    }),
  );
});

test('a scope covers another exactly when it does at the server (property)', () => {
  fc.assert(
    fc.property(scopeArbitrary, scopeArbitrary, (held, asked) => {
      expect(covers(held, asked)).toBe(serverCovers(held, asked));
    }),
    { numRuns: 1000 },
  );
});

describe('the ledger in memory', () => {
  test('forgets a row after its time, and not before', () => {
    let now = 0;
    const ledger = createLedger(1000, () => now);
    ledger.apply([[1, 'task', 'old', 0]]);
    now = 999;
    ledger.apply([[2, 'task', 'new', 0]]);
    expect(ledger.ends([{ kind: 'task', handle: 'old', epoch: -1 }])).toBe(true);
    now = 1000;
    ledger.apply([[3, 'agent', 'agt', 1]]);
    expect([ledger.size, ledger.ends([{ kind: 'task', handle: 'old', epoch: -1 }])]).toEqual([2, false]);
  });

  test('never takes back an epoch', () => {
    const ledger = createLedger(1000, () => 0);
    ledger.apply([[1, 'agent', 'agt', 5]]);
    ledger.apply([[2, 'agent', 'agt', 3]]);
    expect(ledger.ends([{ kind: 'agent', handle: 'agt', epoch: 4 }])).toBe(true);
    expect(ledger.ends([{ kind: 'agent', handle: 'agt', epoch: 5 }])).toBe(false);
  });
});
