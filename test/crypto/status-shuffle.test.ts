import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createStatusShuffle, STATUS_LIST_CAPACITY } from '../../src/crypto/status-shuffle.ts';

const shuffle = createStatusShuffle(Buffer.alloc(32, 7));

describe('places in a status list', () => {
  test('no two numbers have the same place, whatever the list (property)', () => {
    const number = fc.nat(STATUS_LIST_CAPACITY - 1);
    fc.assert(
      fc.property(fc.string(), number, number, (list, a, b) => {
        const [at, other] = [shuffle(list, a), shuffle(list, b)];
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThan(STATUS_LIST_CAPACITY);
        expect(at === other).toBe(a === b);
      }),
    );
  });

  test('the first thousand lie all over a list, elsewhere in another one, and under another key', () => {
    const places = Array.from({ length: 1000 }, (_, n) => shuffle('a', n));
    expect(new Set(places).size).toBe(1000);
    const quarters = [0, 1, 2, 3].map(
      (quarter) =>
        places.filter((place) => Math.floor((place * 4) / STATUS_LIST_CAPACITY) === quarter).length,
    );
    for (const count of quarters) expect(count).toBeGreaterThan(180);
    const same = (other: (n: number) => number) => places.filter((place, n) => other(n) === place).length;
    expect(same((n) => shuffle('b', n))).toBeLessThan(5);
    expect(same((n) => createStatusShuffle(Buffer.alloc(32, 8))('a', n))).toBeLessThan(5);
  });

  test.each([-1, STATUS_LIST_CAPACITY, 1.5])('there is no %d', (n) => {
    expect(() => shuffle('a', n)).toThrow(RangeError);
  });
});
