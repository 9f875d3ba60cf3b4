import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineMemory } from '../../src/log/line-memory.ts';

describe('the memory of lines', () => {
  test('gives every text as UTF-8, whatever was there before (property)', () => {
    const memory = new LineMemory();
    const texts = fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom(1, 10, 10_000));
    fc.assert(
      fc.property(texts, ([text, times]) => {
        const long = text.repeat(times);
        expect(memory.encode(long).equals(Buffer.from(long))).toBe(true);
      }),
    );
  });

  test('is the same for text after text, and keeps nothing of one that is huge', () => {
    const memory = new LineMemory();
    const first = memory.encode('é'.repeat(30_000)).buffer;
    expect(memory.encode('second').buffer).toBe(first);
    expect(memory.encode('x'.repeat(20_000_000))).toHaveLength(20_000_000);
    expect(memory.encode('third').buffer).toBe(first);
  });
});
