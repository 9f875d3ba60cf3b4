import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';

const FOLDER = join(import.meta.dirname, '../golden');

/**
 * Compares with test/golden/<name>.json, a file that other implementations read as well. UPDATE_GOLDEN=1 writes it
 * anew: the change is then part of the review.
 */
export function expectGolden(name: string, actual: unknown): void {
  const file = join(FOLDER, `${name}.json`);
  const text = `${JSON.stringify(sorted(actual), null, 2)}\n`;
  if (process.env['UPDATE_GOLDEN'] || !existsSync(file)) writeFileSync(file, text);
  expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
}

/** Members in alphabetical order: their order is no part of the meaning. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
