import { stripVTControlCharacters } from 'node:util';

const COLOURED = process.stdout.isTTY === true && !process.env['NO_COLOR'];
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 36 } as const;

export type Style = keyof typeof CODES;

export function styled(style: Style, text: string): string {
  return COLOURED ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

export function line(text = ''): void {
  process.stdout.write(`${text}\n`);
}

let chapters = 0;

/** A part of the story. */
export function chapter(title: string): void {
  chapters += 1;
  line();
  line(styled('bold', `${chapters}. ${title}`));
}

/** Something that happened. */
export function tell(text: string): void {
  line(`   ${text}`);
}

/** Something that was tried and allowed. */
export function allowed(text: string): void {
  line(`   ${styled('green', '✓')} ${text}`);
}

/** Something that was tried and, as it should be, refused. */
export function refused(text: string, why: string): void {
  line(`   ${styled('red', '✗')} ${text}`);
  line(`     ${styled('dim', why)}`);
}

/** Rows in columns; the first row is the head. */
export function columns(rows: readonly (readonly string[])[]): void {
  const width = (text: string) => stripVTControlCharacters(text).length;
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => width(row[i] ?? ''))));
  for (const [n, row] of rows.entries()) {
    const cells = row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell)));
    line(`   ${n === 0 ? styled('dim', cells.join('  ')) : cells.join('  ')}`.trimEnd());
  }
}
