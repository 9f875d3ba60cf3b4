import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isWithinHours } from '../../../src/domain/policy/hours.ts';
import type { Hours, Weekday } from '../../../src/domain/policy/policy.ts';
import { hours } from './policies.ts';

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY = 86_400_000;
const at = (text: string) => Date.parse(text);
const WORK: Hours = { weekdays: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:30' };
const NIGHT: Hours = { weekdays: ['fri'], from: '22:00', to: '06:00' };

describe('hours', () => {
  test.each([
    ['2026-11-20T08:59:59Z', false],
    ['2026-11-20T09:00:00Z', true],
    ['2026-11-20T17:29:59Z', true],
    ['2026-11-20T17:30:00Z', false],
    ['2026-11-21T12:00:00Z', false],
  ])('of work: %s is within: %s', (time, within) => {
    expect(isWithinHours([WORK], 'UTC', at(time))).toBe(within);
  });

  test.each([
    ['2026-11-20T21:59:00Z', false],
    ['2026-11-20T22:00:00Z', true],
    ['2026-11-21T05:59:00Z', true],
    ['2026-11-21T06:00:00Z', false],
    ['2026-11-21T23:00:00Z', false],
    ['2026-11-20T03:00:00Z', false],
  ])('that go on over midnight belong to the day on which they begin: %s is within: %s', (time, within) => {
    expect(isWithinHours([NIGHT], 'UTC', at(time))).toBe(within);
  });

  test.each([
    ['2026-07-01T07:00:00Z', 'Europe/Berlin', true],
    ['2026-01-07T07:00:00Z', 'Europe/Berlin', false],
    ['2026-01-07T08:00:00Z', 'Europe/Berlin', true],
    ['2026-01-05T00:30:00Z', 'Asia/Tokyo', true],
    ['2026-01-04T23:30:00Z', 'America/New_York', false],
  ])('are read from the clocks of the place, summer time included: %s in %s: %s', (time, zone, within) => {
    expect(isWithinHours([WORK], zone, at(time))).toBe(within);
  });

  test('are those that a clock and a calendar say', () => {
    const moment = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') });
    fc.assert(
      fc.property(fc.array(hours, { maxLength: 3 }), moment, (list, now) => {
        // Said once more: by the moments at which each of them begins and ends, today and yesterday.
        const midnight = Math.floor(now / DAY) * DAY;
        const expected = list.some(({ weekdays, from, to }) =>
          [midnight - DAY, midnight].some((day) => {
            if (!weekdays.includes(DAYS[new Date(day).getUTCDay()] as Weekday)) return false;
            const [begin, end] = [offset(from), offset(to)];
            return day + begin <= now && now < day + (begin < end ? end : end + DAY);
          }),
        );
        expect(isWithinHours(list, 'UTC', now)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

function offset(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return ((hour ?? 0) * 60 + (minute ?? 0)) * 60_000;
}
