import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { published, schedule, signing } from '../../src/crypto/key-schedule.ts';

const key = (kid: string, activeFrom: number, retiresAt: number | null = null) => ({
  kid,
  activeFrom,
  retiresAt,
});

describe('the schedule of signing keys', () => {
  test('lets a key retire a while after the next took over', () => {
    expect(schedule([key('b', 200), key('a', 100)], 50)).toEqual([key('a', 100, 250), key('b', 200)]);
  });

  test('keeps a retirement that was written down when tokens lived longer than now', () => {
    expect(schedule([key('a', 100, 300), key('b', 200)], 50)[0]).toEqual(key('a', 100, 300));
  });

  test('puts off a retirement that was written down when tokens lived shorter than now', () => {
    expect(schedule([key('a', 100, 210), key('b', 200)], 50)[0]).toEqual(key('a', 100, 250));
  });

  test('signs with the newest active key', () => {
    const keys = schedule([key('a', 100), key('b', 200)], 50);
    expect(signing(keys, 199)?.kid).toBe('a');
    expect(signing(keys, 200)?.kid).toBe('b');
    expect(signing(keys, 1e9)?.kid).toBe('b');
  });

  test('signs with the first key before its time rather than with none (a clock behind)', () => {
    expect(signing(schedule([key('a', 100), key('b', 200)], 50), 10)?.kid).toBe('a');
  });

  test('signs with nothing when everything is retired', () => {
    expect(signing(schedule([key('a', 100, 150)], 50), 150)).toBeUndefined();
  });

  test('does not depend on the order of the rows, and what signed verifies long enough (property)', () => {
    const keys = fc.uniqueArray(fc.record({ kid: fc.string({ minLength: 1 }), activeFrom: fc.nat(1000) }), {
      selector: (row) => row.kid,
      minLength: 1,
    });
    fc.assert(
      fc.property(keys, fc.nat(1500), fc.integer({ min: 1, max: 300 }), (rows, now, verifyAfter) => {
        const open = rows.map((row) => ({ ...row, retiresAt: null }));
        const scheduled = schedule(open, verifyAfter);
        expect(schedule(open.toReversed(), verifyAfter)).toEqual(scheduled);
        const signer = signing(scheduled, now);
        const later = published(scheduled, now + verifyAfter - 1);
        expect(later.map((row) => row.kid)).toContain(signer?.kid);
      }),
    );
  });
});
