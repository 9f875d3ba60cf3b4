import { UNPRINTABLE } from '../domain/shown-text.ts';
import { isHarmless } from './harmless.ts';
import { redact, setMember } from './redact.ts';
import { redactText } from './redact-text.ts';

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** Importance, most important first. */
export type Level = (typeof LEVELS)[number];

/** One line of a log, already safe to write. */
export interface LogRecord {
  timestamp: string;
  level: Level;
  /** Which logger wrote it. */
  logger: string;
  message: string;
  [field: string]: unknown;
}

/**
 * Builds a record with every secret removed. A field cannot pass itself off as the record's own members, nor as
 * another field: one whose name is taken is kept as `field_<name>`. Never throws.
 */
export function logRecord(
  at: Date,
  level: Level,
  logger: string,
  message: string,
  fields: Record<string, unknown> = {},
): LogRecord {
  const record: LogRecord = {
    timestamp: at.toISOString(),
    level,
    logger,
    message: redactText(String(message)),
  };
  const safe = redact(fields) as Record<string, unknown>;
  for (const name of Object.keys(safe)) setMember(record, freeName(record, name), safe[name]);
  return record;
}

function freeName(record: LogRecord, name: string): string {
  return Object.hasOwn(record, name) ? freeName(record, `field_${name}`) : name;
}

/**
 * The line of a record, without the record where its fields may be written as they are. INVARIANT: equals
 * `jsonLine(logRecord(…))` for whatever it is given.
 */
export function recordLine(
  at: Date,
  level: Level,
  logger: string,
  message: string,
  fields: Record<string, unknown> = {},
): string {
  if (!isWrittenAsItIs(fields)) return jsonLine(logRecord(at, level, logger, message, fields));
  const head = JSON.stringify({
    timestamp: at.toISOString(),
    level,
    logger,
    message: redactText(String(message)),
  });
  const rest = JSON.stringify(fields);
  return oneLine(rest === '{}' ? head : `${head.slice(0, -1)},${rest.slice(1)}`);
}

/** A name of the record's own would be renamed, and one that is a number would come first. */
const REARRANGED = /^(?:timestamp|level|logger|message|\d+)$/;

function isWrittenAsItIs(fields: Record<string, unknown>): boolean {
  try {
    return isHarmless(fields) && !Object.keys(fields).some((name) => REARRANGED.test(name));
  } catch {
    return false;
  }
}

const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** One line of JSON. INVARIANT: holds no line break and no control character, whatever the record holds. */
export function jsonLine(record: LogRecord): string {
  return oneLine(JSON.stringify(record));
}

function oneLine(line: string): string {
  // JSON escapes the controls below U+0020 itself; a line of ASCII (as many bytes as units) can hold one other.
  const isSafe = Buffer.byteLength(line) === line.length && !line.includes('\u007f');
  return isSafe ? line : escapeUnsafe(line);
}

const COLOURS: Record<Level, number> = { error: 31, warn: 33, info: 36, debug: 90 };

/** One line for a person at a terminal; an error's stack follows, indented. */
export function prettyLine(record: LogRecord): string {
  const { timestamp, level, logger, message, ...fields } = record;
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' ? value : JSON.stringify(withoutStack(value))}`,
    )
    .join('');
  const stack = Object.values(fields)
    .map(stackOf)
    .find((found) => found !== undefined);
  const head = `${timestamp.slice(11, 23)} \u001b[${COLOURS[level]}m${level.padEnd(5)}\u001b[0m [${logger}] `;
  const trace = (stack ?? '')
    .split('\n')
    .slice(1, 12)
    .map((line) => `\n    │ ${escapeUnsafe(line.trim())}`);
  return head + escapeUnsafe(message + shown) + trace.join('');
}

function withoutStack(value: unknown): unknown {
  if (stackOf(value) === undefined) return value;
  const { stack: _, ...rest } = value as Record<string, unknown>;
  return rest;
}

function stackOf(value: unknown): string | undefined {
  const stack =
    typeof value === 'object' && value !== null ? (value as { stack?: unknown }).stack : undefined;
  return typeof stack === 'string' ? stack : undefined;
}

function escapeUnsafe(text: string): string {
  return text.replace(
    EACH_UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
