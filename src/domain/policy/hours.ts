import type { Hours, Weekday } from './policy.ts';

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Making one takes far longer than using it; time zones come from the configuration alone. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a moment lies within the hours, by the clocks of that time zone. @param at milliseconds since the epoch */
export function isWithinHours(hours: readonly Hours[], timeZone: string, at: number): boolean {
  const { weekday, minute } = localTime(timeZone, at);
  const before = WEEKDAYS[(WEEKDAYS.indexOf(weekday) + 6) % 7] as Weekday;
  return hours.some(({ weekdays, from, to }) => {
    const [begin, end] = [minuteOf(from), minuteOf(to)];
    if (begin < end) return weekdays.includes(weekday) && begin <= minute && minute < end;
    return (weekdays.includes(weekday) && begin <= minute) || (weekdays.includes(before) && minute < end);
  });
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function localTime(timeZone: string, at: number): { weekday: Weekday; minute: number } {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return {
    weekday: (parts.get('weekday') ?? '').toLowerCase() as Weekday,
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const found = formats.get(timeZone);
  if (found) return found;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(timeZone, made);
  return made;
}
