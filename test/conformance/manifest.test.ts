import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FURTHER, PRODUCT_RULES, STANDARDS } from './requirements.ts';

const TESTS = join(import.meta.dirname, '..');
const TITLE = /\b(?:test|describe)(?:\.each)?\b[\s\S]{0,4000}?['"`](.*?)['"`],\s*(?:async\s*)?\(/g;
const CITED = /\[([A-Z]\d{1,2})\]/g;

/** Ids in square brackets, by the test files whose titles cite them. */
function citations(): Map<string, string[]> {
  const cited = new Map<string, string[]>();
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
  for (const file of files) {
    const source = readFileSync(join(TESTS, file), 'utf8');
    const titles = [...source.matchAll(TITLE)].map(([, title = '']) => title);
    for (const [, id = ''] of titles.flatMap((title) => [...title.matchAll(CITED)])) {
      cited.set(id, [...(cited.get(id) ?? []), file]);
    }
  }
  return cited;
}

describe('the requirements manifest', () => {
  const cited = citations();

  test('every requirement is cited by a test, or planned with a reason', () => {
    const uncited = STANDARDS.filter(({ id, planned }) => !cited.has(id) && !planned);
    expect(uncited.map(({ id, text }) => `${id} ${text}`)).toEqual([]);
  });

  test('a requirement that is cited is not planned any more', () => {
    expect(STANDARDS.filter(({ id, planned }) => cited.has(id) && planned)).toEqual([]);
  });

  test('every cited id is one of the manifest', () => {
    const known = new Set([...STANDARDS, ...FURTHER, ...PRODUCT_RULES].map(({ id }) => id));
    const unknown = [...cited].filter(([id]) => /^[RS]\d/.test(id) && !known.has(id));
    expect(unknown).toEqual([]);
  });

  test('no id is given twice', () => {
    const ids = [...STANDARDS, ...FURTHER, ...PRODUCT_RULES].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
