import fc from 'fast-check';

export const KINDS = [
  'open',
  'derive',
  'hand off',
  'redeem',
  'refresh',
  'join',
  'consent',
  'authorize',
  'revoke token',
  'end task',
  'withdraw consent',
  'suspend',
  'reinstate',
  'delete',
  'cut rights',
  'disable',
  'enable',
  'sign out',
  'wait',
] as const;

export type Kind = (typeof KINDS)[number];

/** How a list is asked for: not at all, part of what is held, or anything there is. */
export type Way = 'unnamed' | 'part' | 'any';

/**
 * One step as plain data: numbers choose among whatever exists when it is played, so any steps can be left out of a
 * sequence and the rest still means something. That is what makes a failing sequence small.
 */
export interface Operation {
  readonly do: Kind;
  /** Chooses what it is about, among the newest of what is alive (or of everything, when not `lively`). */
  readonly target: number;
  readonly lively: boolean;
  /** Chooses a client, and whether the one whose turn it is acts or any other. */
  readonly who: number;
  readonly rightClient: boolean;
  readonly proof: 'right' | 'wrong' | 'none';
  readonly challenge: boolean;
  readonly key: 'same' | 'none' | 'k1' | 'k2';
  readonly mask: number;
  readonly scope: Way;
  readonly tools: Way;
  readonly resources: Way;
  readonly audiences: Way;
  readonly delegates: Way;
  readonly maxDepth: number | undefined;
  readonly maxChildren: number | undefined;
  readonly expiresIn: number | undefined;
  readonly taskId: 'none' | 'fresh' | 'taken';
  readonly parentTaskId: 'none' | 'right' | 'wrong';
  /** A second coin: which door, with or without children. */
  readonly flag: boolean;
  readonly seconds: number;
}

function weighted<T>(...choices: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(
    ...choices.map(([weight, value]) => ({ weight: weight * 10, arbitrary: fc.constant(value) })),
  );
}

const kind = weighted<Kind>(
  [12, 'open'],
  [30, 'derive'],
  [9, 'hand off'],
  [10, 'redeem'],
  [10, 'refresh'],
  [9, 'join'],
  [6, 'consent'],
  [6, 'authorize'],
  [3, 'revoke token'],
  [2, 'end task'],
  [0.5, 'withdraw consent'],
  [0.6, 'suspend'],
  [3, 'reinstate'],
  [0.3, 'delete'],
  [1, 'cut rights'],
  [0.5, 'disable'],
  [2, 'enable'],
  [0.3, 'sign out'],
  [9, 'wait'],
);

const way = weighted<Way>([60, 'unnamed'], [32, 'part'], [8, 'any']);
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const mostly = fc.nat(9).map((n) => n > 0);

const operation: fc.Arbitrary<Operation> = fc.record({
  do: kind,
  target: fc.nat(1000),
  lively: mostly,
  who: fc.nat(1000),
  rightClient: mostly,
  proof: weighted<Operation['proof']>([18, 'right'], [1, 'wrong'], [1, 'none']),
  challenge: mostly,
  key: weighted<Operation['key']>([30, 'same'], [1, 'none'], [2, 'k1'], [1, 'k2']),
  mask: fc.nat(2 ** 16),
  scope: way,
  tools: way,
  resources: way,
  audiences: way,
  delegates: weighted<Way>([20, 'unnamed'], [70, 'part'], [10, 'any']),
  maxDepth: seldom(fc.nat(6)),
  maxChildren: seldom(fc.nat(7)),
  expiresIn: seldom(fc.constantFrom(1, 30, 500, 3000, 30_000)),
  taskId: weighted<Operation['taskId']>([80, 'none'], [16, 'fresh'], [4, 'taken']),
  parentTaskId: weighted<Operation['parentTaskId']>([80, 'none'], [16, 'right'], [4, 'wrong']),
  flag: fc.boolean(),
  seconds: weighted([50, 1], [20, 29], [10, 31], [14, 200], [5, 700], [1, 5000]),
});

/** The same seed gives the same operations. */
export function operationsOf(seed: number, count: number): readonly Operation[] {
  return fc.sample(operation, { seed, numRuns: count });
}
