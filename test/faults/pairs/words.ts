import type { Answer } from '../../support/requests.ts';

/** What is another one each time: ids and secrets, moments, and what is left of a time. */
const DIFFERENT = [
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'],
  [/"(\w*expires_in|retry_after)":\d+/g, '"$1":"<seconds>"'],
  [/\btg_\w+/g, '<key>'],
  [/(?=[\w~.+/=-]*[A-Z\d])[\w~.+/=-]{16,}/g, '<one>'],
  [/\b\d{9,}\b/g, '<time>'],
] as const;

export function withoutWhatDiffers(text: string): string {
  return DIFFERENT.reduce((told, [what, word]) => told.replaceAll(what, word), text);
}

/**
 * How a request was answered: a refusal by its code, a page by its heading, what is said of a token as it is. Other
 * data, of an agent or a person, are as they were read, but for what the request has changed.
 */
export function toldOf({ status, headers, body, text }: Answer): string {
  // How far a browser gets until it is told that it is too late makes no difference.
  if (status >= 400) return `${status} ${body.task_error ?? body.error ?? body.type ?? 'for the browser'}`;
  const location = headers.get('location');
  if (location !== null) return `${status} ${placeOf(location)}`;
  if ('access_token' in body || 'active' in body) return `${status} ${JSON.stringify(body)}`;
  return `${status} ${/<h1>(.*?)<\/h1>/.exec(text)?.[1] ?? ''}`;
}

function placeOf(location: string): string {
  const { pathname, searchParams } = new URL(location, 'https://server.example.com');
  const error = searchParams.get('error');
  return `${pathname} ${searchParams.has('code') ? 'with a code' : (error ?? '')}`;
}
