import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildPackage, entriesOf } from '../reference/build.ts';
import { exportsOf } from '../reference/declarations.ts';
import { referencePage } from '../reference/page.ts';

/** What the package gives out, as it is published, and what is said of it. */
let directory: string;
let entries: ReadonlyMap<string, string>;
const page = readFileSync(join(import.meta.dirname, '../docs/reference.md'), 'utf8');

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'taskgrant-reference-'));
  buildPackage(directory);
  entries = entriesOf(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('every public export has a docstring', () => {
  const silent = [...entries].flatMap(([entry, file]) =>
    [...exportsOf(file).values()]
      .filter(({ declaration }) => declaration.docs === '')
      .map(({ name }) => `${entry}: ${name}`),
  );
  expect(silent).toEqual([]);
});

test('every export of every entry that can be called is there at run time', async () => {
  for (const [entry, file] of entries) {
    const given = Object.keys((await import(entry)) as object);
    const values = [...exportsOf(file).values()].filter(
      ({ declaration: { kind }, typeOnly }) => !typeOnly && ['function', 'class', 'const'].includes(kind),
    );
    expect({ entry, names: given.toSorted() }).toEqual({
      entry,
      names: values.map(({ name }) => name).toSorted(),
    });
  }
});

test('the reference is what `npm run generate` makes of them', () => {
  expect(page === referencePage(entries)).toBe(true);
});

test('the reference tells of options that are inherited, too', () => {
  expect(page).toMatch(/^interface ConnectionOptions extends HttpOptions \{$/m);
  expect(page).toMatch(/^ {4}\/\*\* Milliseconds that one attempt may take\./m);
});
