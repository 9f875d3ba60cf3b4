import { expect, test } from '@jest/globals';
import { elapsedTime } from '../src/shared/elapsed.ts';

test('time that goes by is counted once, with what was slept, and never backwards', () => {
  let [wall, steady] = [1_000_000, 50];
  const elapsed = elapsedTime({ wall: () => wall, steady: () => steady });
  const pass = (byWall: number, bySteady: number) => {
    wall += byWall;
    steady += bySteady;
    return elapsed();
  };
  expect(pass(0, 0)).toBe(0);
  // The wall clock has whole milliseconds only, and is corrected now and then.
  for (let i = 0; i < 1000; i += 1) pass(i % 2, 0.5);
  expect(pass(-200, 0)).toBe(500);
  expect(pass(1300, 1000)).toBe(1500);
  // Asleep for a minute, or set forward by one; and set back.
  expect(pass(61_000, 1000)).toBe(62_500);
  expect(pass(-3_600_000, 1000)).toBe(63_500);
  expect(pass(61_000, 1000)).toBe(124_500);
});
