import { expect, test } from '@jest/globals';
import { useCaseDoor } from './doors/use-cases.ts';
import { CLAIM, expectBoth, playSequences, seedOfRun } from './sequences.ts';

test(`after 20,000 random operations on the embedded database ${CLAIM}`, async () => {
  const score = await playSequences({
    seed: seedOfRun(),
    sequences: 40,
    length: 500,
    open: () => useCaseDoor(),
  });
  expect(score.operations).toBe(20_000);
  expectBoth(score);
}, 300_000);
