import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const SDK = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(SDK, path), 'utf8');
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(SDK, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .map((name) => `${folder}/${name}`);

/** Generated from the docstrings: its code is declarations. */
const REFERENCE = 'docs/reference.md';
const DOCUMENTS = ['README.md', ...filesIn('docs', '.md').filter((path) => path !== REFERENCE)];
const EXAMPLES = filesIn('examples', '.ts');

/** The documents of the package: what stands there is what is compiled and tested. */
describe.each(DOCUMENTS)('sdk/%s', (path) => {
  const document = read(path);

  test('shows code that is a file of the examples, or part of one', () => {
    const sources = EXAMPLES.map(read);
    const blocks = [...document.matchAll(/^```(?:ts|typescript|js|javascript)\n([^]*?)^```$/gm)].map(
      ([, code = '']) => code,
    );
    expect(blocks.filter((code) => !sources.some((source) => source.includes(code)))).toEqual([]);
  });

  test('links to what exists', () => {
    const links = [...document.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !existsSync(join(SDK, dirname(path), target)))).toEqual([]);
  });

  test('has lines that can be read without scrolling, apart from tables and code', () => {
    const prose = document.replace(/^```[^]*?^```$/gm, '').split('\n');
    expect(prose.filter((line) => line.length > 121 && !line.startsWith('|'))).toEqual([]);
  });
});

test('every quick start is run by a test', () => {
  const tests = filesIn('test', '.test.ts').map(read).join('\n');
  const isNamed = (name: string) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(tests);
  /** As `resource-${name}`, for each of some names. */
  const isOneOf = (name: string) => {
    const [, group = '', rest = ''] = /^([^-]+)-(.+)$/.exec(name) ?? [];
    return tests.includes(`\`${group}-\${`) && tests.includes(`'${rest}'`);
  };
  const names = EXAMPLES.map((path) => path.replace(/^examples\/|\.ts$/g, ''));
  expect(names.filter((name) => !isNamed(name) && !isOneOf(name))).toEqual([]);
});
