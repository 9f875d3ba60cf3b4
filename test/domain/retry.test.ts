import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pauseAfter } from '../../src/domain/retry.ts';

const pauses = [10, 120, 600];
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the pause after a failed attempt', () => {
  test('is anything up to the one that the schedule names (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), random, (attempt, share) => {
        const pause = pauseAfter({ pauses }, attempt, share) ?? Number.NaN;
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThan((pauses[attempt - 1] ?? 0) * 1000);
      }),
    );
    expect(pauseAfter({ pauses }, 2, 0.5)).toBe(60_000);
  });

  test('is never shorter than the receiver asks, up to six hours (property)', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: -1_000_000, max: 1_000_000_000 }), (share, asked) => {
        const pause = pauseAfter({ pauses }, 1, share, asked) ?? Number.NaN;
        expect(pause).toBeGreaterThanOrEqual(Math.min(Math.max(asked, 0), 6 * 3_600_000));
        expect(pause).toBeLessThanOrEqual(Math.max(10_000, 6 * 3_600_000));
      }),
    );
  });

  test('is none when the schedule is at its end, whatever the receiver asks', () => {
    expect(pauseAfter({ pauses }, 4, 0.5)).toBeUndefined();
    expect(pauseAfter({ pauses: [] }, 1, 0.5, 1000)).toBeUndefined();
  });
});
