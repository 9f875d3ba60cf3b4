import { type Command, InvalidArgumentError } from 'commander';
import { REASON_MAX } from '../domain/ids.ts';
import { SHOWN_TEXT } from '../domain/shown-text.ts';
import type { Page, Paged } from '../app/ports/page.ts';
import { json, note, type Row, table } from './print.ts';

export interface DataOptions {
  readonly json?: boolean;
}

export interface PageOptions extends DataOptions {
  readonly limit: number;
  readonly cursor?: string;
}

/** For commands that end something. */
export function withReason(command: Command): Command {
  return command.option('--reason <text>', 'for the audit trail', (value) => {
    if (value.length <= REASON_MAX && SHOWN_TEXT.test(value)) return value;
    throw new InvalidArgumentError(
      `It must have at most ${REASON_MAX} characters, none of them control characters.`,
    );
  });
}

/** For commands whose output is data. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON');
}

export function withPages(command: Command): Command {
  return withJson(command)
    .option('--limit <n>', 'rows at most', wholeNumber(1, 1000), 50)
    .option('--cursor <cursor>', 'where the last page ended');
}

export function pageOf({ limit, cursor }: PageOptions): Page {
  return { limit, after: cursor };
}

/** Prints a page: all of it as JSON, or the named columns. */
export function printPage<T>(
  { json: asJson }: PageOptions,
  name: string,
  page: Paged<T>,
  row: (item: T) => Row,
  columns: readonly string[],
): void {
  if (asJson) {
    json({ [name]: page.items.map(row), next_cursor: page.next });
    return;
  }
  table(page.items.map(row), columns);
  if (page.next !== null) note(`There are more: add --cursor ${page.next}`);
}

/** An argument that is an id of the server: base64url, so it may begin with a hyphen like an option. */
export function withId(command: Command, name: string, description?: string): Command {
  return command.argument(`<${name}>`, description).allowUnknownOption();
}

/** For options that may be repeated; a value may also hold several words. */
export function words(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(/\s+/).filter((word) => word !== '')];
}

export function wholeNumber(min: number, max: number) {
  return (value: string): number => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** RFC 8707 §2, as far as it can be told without asking the server. */
export function absoluteUri(value: string): string {
  if (URL.canParse(value) && !value.includes('#')) return value;
  throw new InvalidArgumentError('It must be an absolute URI without a fragment.');
}

/** Milliseconds since the epoch. */
export function instant(value: string): number {
  const at = Date.parse(value);
  if (Number.isNaN(at)) throw new InvalidArgumentError('It must be a time such as 2026-01-31T09:00:00Z.');
  return at;
}

export function oneOf<const T extends string>(allowed: readonly T[]) {
  return (value: string): T => {
    const found = allowed.find((each) => each === value);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be one of ${allowed.join(', ')}.`);
  };
}
