import { DomainError } from '../../domain/errors.ts';
import { isEventPattern } from '../../domain/webhook-event.ts';
import type { AppContext } from '../context.ts';

const URL_TEXT = /^[\x21-\x7e]{1,2048}$/;
const MOST_EVENTS = 100;

/**
 * A URL that events may be sent to, in its one spelling.
 * @throws DomainError `parameter_invalid`.
 */
export function checkUrl({ webhooks }: Pick<AppContext, 'webhooks'>, text: string): URL {
  // What a URL parser would repair: spaces, line breaks, letters beyond ASCII.
  if (!URL_TEXT.test(text) || !URL.canParse(text)) {
    throw refusal('url', 'must be an absolute URL of printable ASCII, 2048 characters at most');
  }
  const url = new URL(text);
  if (text.includes('#')) throw refusal('url', 'must have no fragment');
  const problem = webhooks.targets.problemOf(url);
  if (problem !== undefined) throw refusal('url', problem);
  return url;
}

/**
 * Event names, `group.*` or `*`, each once.
 * @throws DomainError `parameter_invalid` that lists what is not known.
 */
export function checkEvents(events: readonly string[]): readonly string[] {
  const distinct = [...new Set(events)];
  if (distinct.length === 0 || distinct.length > MOST_EVENTS) {
    throw refusal('events', `must name 1 to ${MOST_EVENTS} events, or * for all`);
  }
  const unknown = distinct.filter((event) => !isEventPattern(event)).map((event) => event.slice(0, 100));
  if (unknown.length === 0) return distinct;
  throw new DomainError(
    'parameter_invalid',
    'events: names what is no event; /api/webhooks/events lists them',
    {
      field: 'events',
      unknown,
    },
  );
}

function refusal(field: string, message: string): DomainError {
  return new DomainError('parameter_invalid', `${field} ${message}`, { field });
}
