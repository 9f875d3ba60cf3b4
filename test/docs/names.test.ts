import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { describeSettings } from '../../src/config/describe.ts';
import { readDocument, ROOT } from './markdown.ts';

const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'sdk/README.md'].concat(
  ['docs', 'examples', 'sdk/docs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md') && path !== 'reference.md')
      .map((path) => `${folder}/${path}`),
  ),
);

/** What GitHub calls the headings of a document. */
function anchorsIn(document: string): string[] {
  const headings = document.replace(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Where a document says that its endpoints are below a path. */
const BELOW: Record<string, string> = { 'docs/webhooks.md': '/api/webhooks' };
/** Of an API in the examples. */
const OF_OTHERS = new Set(['/notes']);

/** The paths that /openapi.json describes, whatever stands for their parameters. */
const paths = Object.keys((JSON.parse(readDocument('docs/openapi.json')) as { paths: object }).paths);
const known = paths.map(
  (path) => new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
);
/** Endpoints that documents name after their method, such as `GET /api/agents/{id}`. */
const endpointsIn = (document: string) =>
  [...document.matchAll(/\b(?:GET|POST|PUT|PATCH|DELETE) (\/[\w{][\w/{}.:-]*)(?![\w…])/g)].map(
    ([, path = '']) => path,
  );

/** The words after `taskgrant`, as far as they are names of commands. */
const commandsIn = (document: string) =>
  [...document.matchAll(/(?:`|\()taskgrant ([a-z][a-z -]*)|taskgrant -- ([a-z][a-z -]*)/g)].map(([, a, b]) =>
    (a ?? b ?? '').trim().split(/ +/),
  );

/** Whether the words lead to a command: `agent rotate-secret`. What follows a command without further ones is its own. */
function leadsToCommand([word, ...rest]: readonly string[], command: Command): boolean {
  if (word === undefined || word.startsWith('-') || command.commands.length === 0) return true;
  const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
  return next !== undefined && leadsToCommand(rest, next);
}

/** Of other programs, or read by the SDK. */
const OTHER_VARIABLES = /^(NODE_|MALLOC_|UV_|SO_|BENCH_|AGENT_AUTH_|(O)?AUTHLIB_|APP_ENV$)/;
const variables = new Set(describeSettings().map(({ env }) => env));

describe.each(DOCUMENTS)('%s', (path) => {
  const document = readDocument(path);

  test('links to headings that exist', () => {
    const links = [...document.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)];
    const missing = links.filter(([, file = '', anchor = '']) => {
      const target = file === '' ? document : readDocument(join(dirname(path), file));
      return !anchorsIn(target).includes(anchor);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  test('names endpoints, commands and variables that exist', () => {
    const endpoints = endpointsIn(document).filter((each) => {
      const full = [each, (BELOW[path] ?? '') + each];
      return !OF_OTHERS.has(each) && !known.some((pattern) => full.some((one) => pattern.test(one)));
    });
    const commands = commandsIn(document).filter((words) => !leadsToCommand(words, createProgram()));
    const names = [...document.matchAll(/`([A-Z]+_[A-Z0-9_]+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    const unknown = names.filter((name) => !variables.has(name) && !OTHER_VARIABLES.test(name));
    expect({ endpoints, commands, unknown }).toEqual({ endpoints: [], commands: [], unknown: [] });
  });
});
