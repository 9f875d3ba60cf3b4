import { expect, test } from '@jest/globals';
import { plain } from '../../src/cli/print.ts';

test('words of strangers reach the terminal without escapes, line ends and marks that reorder text', () => {
  expect(plain('a\u001b[2Jb\nc\u202ed\u2028e\u061cf')).toBe('a�[2Jb�c�d�e�f');
  expect(plain('Zoë – 東京')).toBe('Zoë – 東京');
});
