import { expect, test } from '@jest/globals';
import { createDatabase } from '../support/postgres.ts';
import { httpDoor } from './doors/http.ts';
import { useCaseDoor } from './doors/use-cases.ts';
import { CLAIM, expectBoth, playSequences, seedOfRun } from './sequences.ts';

test(`after 1,000 random operations through HTTP ${CLAIM}`, async () => {
  const score = await playSequences({ seed: seedOfRun(), sequences: 2, length: 500, open: httpDoor });
  expect(score.operations).toBe(1000);
  expectBoth(score);
}, 300_000);

test(`after 2,000 random operations on PostgreSQL ${CLAIM}`, async () => {
  const open = async () => {
    const { url, drop } = await createDatabase();
    const door = await useCaseDoor({ databaseUrl: url });
    return { ...door, close: () => door.close().then(drop) };
  };
  const score = await playSequences({ seed: seedOfRun(), sequences: 4, length: 500, open });
  expect(score.operations).toBe(2000);
  expectBoth(score);
}, 300_000);
