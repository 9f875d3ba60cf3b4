import { expect } from '@jest/globals';
import type { Door } from './door.ts';
import { type Operation, operationsOf } from './operations.ts';
import { play } from './play.ts';

interface Plan {
  readonly seed: number;
  readonly sequences: number;
  /** Operations in each. */
  readonly length: number;
  readonly open: () => Promise<Door>;
}

/** How long a failing sequence is made shorter, in milliseconds. */
const SHRINKING = 30_000;

export interface Score {
  readonly operations: number;
  readonly granted: number;
  readonly refused: number;
}

export const CLAIM = 'no child is wider, longer, deeper or more alive than its ancestors';

/** A run in which hardly anything is granted, or hardly anything refused, would prove little. */
export function expectBoth({ operations, granted, refused }: Score): void {
  expect(granted).toBeGreaterThan(operations / 5);
  expect(refused).toBeGreaterThan(operations / 5);
}

/** The seed of this run: TASKGRANT_SEED repeats one that failed. */
export function seedOfRun(): number {
  const given = Number(process.env['TASKGRANT_SEED']);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31);
}

/**
 * Plays sequences from consecutive seeds. The first that fails is made as short as possible; the message names its
 * seed, its operations and the steps that led there.
 */
export async function playSequences({ seed, sequences, length, open }: Plan): Promise<Score> {
  let score = { operations: 0, granted: 0, refused: 0 };
  for (let i = 0; i < sequences; i += 1) {
    const operations = operationsOf(seed + i, length);
    try {
      const { granted, refused } = await attempt(open, operations);
      score = {
        operations: score.operations + length,
        granted: score.granted + granted,
        refused: score.refused + refused,
      };
    } catch (error) {
      throw await report(open, operations, seed + i, error as Error);
    }
  }
  return score;
}

async function attempt(open: () => Promise<Door>, operations: readonly Operation[]) {
  const door = await open();
  try {
    return (await play(door, operations)).score;
  } finally {
    await door.close();
  }
}

async function report(
  open: () => Promise<Door>,
  operations: readonly Operation[],
  seed: number,
  error: Error,
): Promise<Error> {
  let smallest = operations;
  let last = error;
  const until = Date.now() + SHRINKING;
  const fails = async (candidate: readonly Operation[]) => {
    try {
      await attempt(open, candidate);
      return false;
    } catch (failure) {
      last = failure as Error;
      return true;
    }
  };
  // Leaves out larger parts first, then smaller ones, for as long as the rest still fails.
  for (
    let size = Math.ceil(operations.length / 2);
    size >= 1 && Date.now() < until;
    size = Math.floor(size / 2)
  ) {
    for (let at = 0; at < smallest.length && Date.now() < until; ) {
      const candidate = [...smallest.slice(0, at), ...smallest.slice(at + size)];
      if (candidate.length > 0 && (await fails(candidate))) smallest = candidate;
      else at += size;
    }
  }
  const steps = smallest.map((operation) => JSON.stringify(operation)).join('\n');
  const repeat = `TASKGRANT_SEED=${seed} repeats it`;
  return new Error(
    `${last.message}\n\n${smallest.length} of ${operations.length} operations (${repeat}):\n${steps}`,
    {
      cause: last,
    },
  );
}
