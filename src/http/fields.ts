import { z } from 'zod';
import type { Page, Paged } from '../app/ports/page.ts';
import { DomainError } from '../domain/errors.ts';
import { checkTaskId, REASON_MAX, TASK_ID } from '../domain/ids.ts';
import { SHOWN_TEXT } from '../domain/shown-text.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;

/** R3. */
export const taskId = z
  .string()
  .superRefine((value, refinement) => {
    try {
      checkTaskId(value);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refinement.addIssue({ code: 'custom', message: error.message });
    }
  })
  .meta({ pattern: TASK_ID.source });

/** A server-generated id: client, user, token, event. */
export const publicId = z.string().regex(/^[A-Za-z0-9._~:-]{1,128}$/, 'is not an id of this server');

/** A client id: one of ours, or the URL of a client's metadata document (S20). */
export const clientId = z
  .string()
  .max(2048)
  .regex(/^[\x21-\x7e]+$/, 'is not a client id');

/** Display text that an administrator or agent gives as the cause of an action. */
export const reason = z.string().max(REASON_MAX).regex(SHOWN_TEXT, 'must not contain control characters');

/** RFC 7636 §4.1. */
export const codeVerifier = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{43,128}$/, 'must be a code_verifier of RFC 7636 section 4.1');

/** An API key as it was shown. Whether it has the right form is nobody's business but its owner's. */
export const apiKey = z.string().min(1).max(500);

const DIGITS = /^\d{1,16}$/;

/** A whole number, in JSON or as digits, since queries and forms hold text only. Nothing else is taken for one. */
export function wholeNumber(least: number, most: number) {
  const read = (value: unknown) => (typeof value === 'string' && DIGITS.test(value) ? Number(value) : value);
  return z.preprocess(read, z.int('must be a whole number in digits').min(least).max(most));
}

/** The query members of lists that are counted by number. */
export const sliceQuery = {
  limit: wholeNumber(1, PAGE_MAX).default(PAGE_DEFAULT),
  offset: wholeNumber(0, 10_000).default(0),
};

/** ISO 8601 in UTC, as sent in answers. */
export const isoTime = z.string().meta({ format: 'date-time' });

/** `true` or `false`, as JSON or as text (query strings and forms). */
export const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);

/** The query members of every list. */
export const pageQuery = {
  limit: wholeNumber(1, PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().min(1).max(500).optional(),
};

const NEXT_CURSOR = z.string().nullable().meta({
  description:
    'Where the next page begins; null at the end. Before it a page may hold fewer rows than asked for.',
});

/** The answer of every list: `{[name]: rows, next_cursor}`. */
export function listOf<const N extends string, T extends z.ZodType>(name: N, row: T) {
  const members = { [name]: z.array(row) } as Record<N, z.ZodArray<T>>;
  return z.object({ ...members, next_cursor: NEXT_CURSOR });
}

export function pageOf({ limit, cursor }: { limit: number; cursor?: string | undefined }): Page {
  return { limit, after: cursor };
}

/** One page of rows in the shape that `listOf` declares. */
export function listAnswer<const N extends string, T, U>(
  name: N,
  page: Paged<T>,
  row: (item: T) => U,
): Record<N, U[]> & { next_cursor: string | null } {
  return { [name]: page.items.map(row), next_cursor: page.next } as Record<N, U[]> & {
    next_cursor: string | null;
  };
}

/** Milliseconds since the epoch as ISO 8601. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}
