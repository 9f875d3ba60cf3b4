import { fieldOf, type MessageHead, TASK_TOKEN_FIELD } from './message.ts';

/** What every signature covers. */
const ALWAYS = ['@method', '@authority', '@path', '@query', 'content-digest'];

/** Fields by which some frameworks take another method for the one that was signed. */
export const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** What it also covers when the request has it: who it is for, on whose authority, and how its body is to be read. */
const WHEN_PRESENT = [
  'authorization',
  TASK_TOKEN_FIELD,
  'x-task-id',
  'x-parent-task-id',
  'x-parent-token-id',
  'idempotency-key',
  'content-type',
  'content-encoding',
  ...METHOD_OVERRIDES,
];

/** The components that a signature of this request must cover, the same for whoever signs and whoever verifies. */
export function requiredComponents(head: MessageHead, more: readonly string[] = []): readonly string[] {
  const present = WHEN_PRESENT.filter((name) => fieldOf(head.headers, name) !== undefined);
  return [...new Set([...ALWAYS, ...present, ...more.map((name) => name.toLowerCase())])];
}

/** `tag` of RFC 9421 §2.3: tells our signatures from others on the same request. */
export const SIGNATURE_TAG = 'taskgrant';

/** Seconds. */
export const DEFAULT_LIFETIME = 60;
export const LONGEST_LIFETIME = 120;
/** How far clocks may differ. */
export const CLOCK_SKEW = 5;
