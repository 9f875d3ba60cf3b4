import { expect, test } from '@jest/globals';
import { expectNothingElse, seen } from './shared.ts';

test('meets modules as the first has left them, and nothing of its tests', () => {
  expect(seen.at(-1)).toBe('the end of the first');
  expectNothingElse(seen.filter((what) => what !== 'a hook of the first'));
});
