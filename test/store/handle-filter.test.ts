import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HandleFilter } from '../../src/store/ledger/handle-filter.ts';

const handle = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^01a2[0-9a-f]{8}[A-Za-z0-9_-]{14}$/),
);

test('a filter of handles never misses one that was added (property)', () => {
  fc.assert(
    fc.property(fc.array(handle, { maxLength: 3000 }), (handles) => {
      const filter = new HandleFilter(0);
      for (const one of handles) filter.add(one);
      expect(handles.every((one) => filter.mayHold(one))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('an empty one holds nothing', () => {
  fc.assert(fc.property(handle, (one) => !new HandleFilter(0).mayHold(one)));
});

test('a full one takes few handles for its own, even where all of them look alike', () => {
  const filter = new HandleFilter(10_000);
  const named = (kind: string, i: number) => `01a224c64afe${kind}${String(i).padStart(13, '0')}`;
  for (let i = 0; !filter.isFull; i += 1) filter.add(named('a', i));
  expect(filter.capacity).toBeGreaterThanOrEqual(20_000);
  const wrong = Array.from({ length: 20_000 }, (_, i) => filter.mayHold(named('b', i))).filter(Boolean);
  expect(wrong.length).toBeLessThan(200);
});
