import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseBoundedJson } from '../../src/domain/bounded-json.ts';

const lists = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('JSON of strangers', () => {
  test('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => {
        expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ['lists', lists],
    ['objects', objects],
  ])('is nested 64 levels deep at most: %s', (_, nested) => {
    expect(JSON.stringify(parseBoundedJson(nested(64)))).toBe(nested(64));
    for (const depth of [65, 30_000]) {
      expect(() => parseBoundedJson(nested(depth))).toThrow('nested more than 64 levels deep');
    }
  });

  test('may have any brackets within its texts', () => {
    const value = { [lists(40)]: [objects(40), `"${lists(100)}\\`, '{'.repeat(100)] };
    expect(parseBoundedJson(JSON.stringify(value))).toEqual(value);
  });

  test('may have any number of values beside one another', () => {
    const value = Array.from({ length: 1000 }, () => [{ a: [] }]);
    expect(parseBoundedJson(JSON.stringify(value))).toEqual(value);
  });

  test('is refused when it is none', () => {
    for (const text of ['', '{', ']', '"', '"\\', `"${'\\"'.repeat(30_000)}`, '[}', 'nothing']) {
      expect(() => parseBoundedJson(text)).toThrow(SyntaxError);
    }
  });
});
