import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { openapiRoute } from '../../src/http/openapi/document.ts';

interface PageRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Sample = (schema: unknown, type: string | false, config?: unknown, example?: unknown) => unknown;

interface PageSettings {
  readonly requestInterceptor: (request: PageRequest) => Promise<PageRequest>;
  readonly plugins: readonly { afterLoad(this: { fn: { getSampleSchema: Sample } }): void }[];
}

const ISSUER = 'http://localhost:3000';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const SCRIPT = readFileSync(new URL('../../src/http/api-page/start.js', import.meta.url), 'utf8');

/** The description that the page has read, as the library lets it be asked. */
function describedFor(issuer: string) {
  const document: unknown = openapiRoute({
    contracts: [],
    others: () => [],
    issuer,
    version: '0.0.0',
  }).document();
  const getIn = (path: readonly (string | number)[]) =>
    path.reduce((value, name) => (value as Record<string | number, unknown>)[name], document);
  return { getIn };
}

/** What the page's script asks of the library, in a browser that opened the page at an address. */
function pageAt(address: string, issuer = ISSUER): PageSettings {
  const found: PageSettings[] = [];
  const globals = { URL, URLSearchParams, TextEncoder, Uint8Array, btoa, crypto: webcrypto };
  const SwaggerUIBundle = (settings: PageSettings) => {
    found.push(settings);
    return { specSelectors: { specJson: () => describedFor(issuer) } };
  };
  runInNewContext(SCRIPT, { ...globals, location: new URL(address), SwaggerUIBundle });
  return found[0] as PageSettings;
}

const send = (request: PageRequest, address = `${ISSUER}/docs`, issuer = ISSUER) =>
  pageAt(address, issuer).requestInterceptor(request);

describe('a request of the page at /docs', () => {
  test('goes to the server that the page came from, by whatever name', async () => {
    const url = `${ISSUER}/api/tasks?limit=5`;
    expect((await send({ url })).url).toBe(url);
    const elsewhere = await send({ url }, 'http://127.0.0.1:8080/docs');
    expect(elsewhere.url).toBe('http://127.0.0.1:8080/api/tasks?limit=5');
    expect((await send({ url: '/openapi.json' }, 'http://127.0.0.1:8080/docs')).url).toBe('/openapi.json');
  });

  test.each([ISSUER, `${ISSUER}/tenant`])(
    'asks for the administration under the name that it has at %s',
    async (issuer) => {
      const url = `${ISSUER}/api/oauth/token`;
      const body = 'grant_type=client_credentials&scope=admin%3Aread';
      const { body: sent } = await send({ url, headers: FORM, body }, 'http://127.0.0.1:3000/docs', issuer);
      expect(new URLSearchParams(sent).get('resource')).toBe(`${issuer}/api`);
    },
  );

  test('leaves out what was left empty, so that a token takes no more than a press of the button', async () => {
    const url = `${ISSUER}/api/oauth/token`;
    const body = 'scope=&code_challenge=&client_secret=&grant_type=client_credentials';
    const { body: sent } = await send({ url, headers: FORM, body });
    const names = [...new URLSearchParams(sent).keys()];
    expect(names).toEqual(['grant_type', 'code_challenge', 'code_challenge_method']);
  });

  test('has no challenge of its own where it answers one', async () => {
    const body = 'grant_type=client_credentials&parent_token=x&code_verifier=v';
    expect((await send({ url: `${ISSUER}/api/oauth/token`, headers: FORM, body })).body).toBe(body);
  });
});

describe('what stands in a request before anybody types', () => {
  const system = { fn: { getSampleSchema: ((schema) => schema) as Sample } };
  for (const plugin of pageAt(`${ISSUER}/docs`).plugins) plugin.afterLoad.call(system);
  const { getSampleSchema } = system.fn;
  const REQUEST = { includeWriteOnly: true };
  const text = { type: 'string' };
  const inner = { type: 'object', properties: { kept: text, left: text }, required: ['kept'] };
  const schema = {
    type: 'object',
    properties: { name: text, size: text, part: inner, parts: { type: 'array', items: inner } },
    required: ['name', 'part', 'parts'],
  };

  test('is what is required, at every depth', () => {
    const kept = {
      type: 'object',
      properties: { kept: text },
      required: ['kept'],
      additionalProperties: false,
    };
    const properties = { name: text, part: kept, parts: { type: 'array', items: kept } };
    const expected = { ...schema, properties, additionalProperties: false };
    expect(getSampleSchema(schema, 'application/json', REQUEST)).toEqual(expected);
    expect(getSampleSchema({ toJS: () => schema }, 'application/json', REQUEST)).toEqual(expected);
  });

  test('is nothing in the fields of a form, except what has a default or an example', () => {
    expect(getSampleSchema(text, false, REQUEST)).toBe('');
    expect(getSampleSchema({ type: 'array', items: text }, false, REQUEST)).toEqual([]);
    expect(getSampleSchema({ ...text, default: 'a' }, false, REQUEST)).toMatchObject({ default: 'a' });
    expect(getSampleSchema({ ...text, examples: ['b'] }, false, REQUEST)).toMatchObject({ examples: ['b'] });
  });

  test('does not shorten what answers look like', () => {
    expect(getSampleSchema(schema, 'application/json', { includeReadOnly: true })).toBe(schema);
  });
});
