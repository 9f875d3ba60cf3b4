import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RATE_LIMITED } from '../../src/app/limits/rate-limit-fields.ts';
import { AUDIT_EVENT_TYPES } from '../../src/domain/audit-event.ts';
import { DOMAIN_ERROR_CODES } from '../../src/domain/errors.ts';
import type { UnavailableCode } from '../../src/domain/unavailable.ts';
import { readDocument, ROOT } from './markdown.ts';

/** The names in code in the first column of the tables of a document. */
function firstColumn(document: string): string[] {
  return [...document.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name),
  );
}

/** Every code that a `Problem` of src/http has, besides those of the domain. */
function codesOfTheBoundary(): string[] {
  const folder = join(ROOT, 'src/http');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const sources = files.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n');
  const codes = [...sources.matchAll(/\bProblem\(\s*\d{3},\s*'(\w+)'/g)].map(([, code = '']) => code);
  return [...new Set([...codes, RATE_LIMITED, ...UNAVAILABLE])].sort();
}
const UNAVAILABLE: readonly UnavailableCode[] = ['overloaded', 'database_unavailable', 'policy_unavailable'];

describe('the catalogue of audit events', () => {
  const described = firstColumn(readDocument('docs/audit-events.md'));

  test.each(AUDIT_EVENT_TYPES)('describes %s once', (type) => {
    expect(described.filter((name) => name === type)).toHaveLength(1);
  });
});

describe('the table of errors', () => {
  const document = readDocument('docs/errors.md');

  test.each(DOMAIN_ERROR_CODES)('says what %s is answered with', (code) => {
    expect(document).toMatch(new RegExp(`^\\| \`${code}\` \\| \`\\w+\` \\|`, 'm'));
  });

  test.each(codesOfTheBoundary())('says what %s means at the REST API', (code) => {
    expect(document).toMatch(new RegExp(`^\\|.*\`${code}\`.*\\|$`, 'm'));
  });
});

const DOCUMENTS = ['README.md', 'CHANGELOG.md'].concat(
  ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => `${folder}/${path}`),
  ),
);

describe.each(DOCUMENTS)('%s', (path) => {
  const document = readDocument(path);

  test('links to what exists', () => {
    const links = [...document.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    const missing = local.filter((target) => !existsSync(join(ROOT, dirname(path), target)));
    expect(missing).toEqual([]);
  });

  test('starts programs with the Node of the project, since an older one reads no TypeScript', () => {
    expect(
      document.match(/(?<!\.bin\/|npx |exec server )\bnode (?:--\S+ )*(?:examples|src)\/.*/g) ?? [],
    ).toEqual([]);
  });

  test('has lines that can be read without scrolling, apart from tables and code', () => {
    const prose = document.replace(/^```[^]*?^```$/gm, '').split('\n');
    expect(prose.filter((line) => line.length > 121 && !line.startsWith('|'))).toEqual([]);
  });
});
