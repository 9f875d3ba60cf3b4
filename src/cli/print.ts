import { UNPRINTABLE } from '../domain/shown-text.ts';

/** A row as it is shown: names of the REST API. */
export type Row = Readonly<Record<string, unknown>>;

const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** Names and descriptions are the words of strangers. */
export function plain(text: string): string {
  return text.replace(EACH_UNPRINTABLE, '�');
}

export function line(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Beside the data: what a person should know but a pipe should not get. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function json(value: unknown): void {
  line(JSON.stringify(value, null, 2));
}

/** One line for each member. */
export function record(row: Row): void {
  const width = Math.max(...Object.keys(row).map((name) => name.length));
  for (const [name, value] of Object.entries(row)) line(`${name.padEnd(width)}  ${cell(value)}`);
}

/** One line for each row, under a head; only the named columns. */
export function table(rows: readonly Row[], columns: readonly string[]): void {
  const cells = [columns.map(String), ...rows.map((row) => columns.map((name) => cell(row[name])))];
  const widths = columns.map((_, i) => Math.max(...cells.map((each) => each[i]?.length ?? 0)));
  for (const each of cells)
    line(
      each
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : plain(value.map(word).join(' '));
  return plain(word(value));
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
