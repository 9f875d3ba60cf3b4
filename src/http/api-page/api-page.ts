import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ApiDescription, Json } from '../../app/description/api-description.ts';
import { headersOf } from '../../app/description/header-fields.ts';
import { operationId } from '../../app/description/schema.ts';
import { refusalOf } from '../openapi/operation.ts';
import { Problem } from '../problem.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

const require = createRequire(import.meta.url);

const PATH = '/docs';
const IMMUTABLE = 'public, max-age=31536000, immutable';
/**
 * The page runs and shows nothing but its own files, and speaks to nobody but this server; a style or a script within
 * the page, or what an answer brings with it, is never applied or run.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

/** A page on which a person reads `/openapi.json` and tries the API; and how it describes itself. */
export interface ApiPage {
  readonly middleware: RequestMiddleware;
  readonly description: ApiDescription;
}

/** `GET /docs`, and the files that it is made of, under a path that changes with them. */
export function apiPage(): ApiPage {
  const load = once(() => {
    const assets = readAssets();
    const version = digestOf(...[...assets.values()].map(({ bytes }) => bytes));
    const page: Asset = { type: 'text/html; charset=utf-8', bytes: Buffer.from(pageOf(version)) };
    return { assets, version, page };
  });
  const middleware: RequestMiddleware = (ctx, next) => {
    if (ctx.path !== PATH && !ctx.path.startsWith(`${PATH}/`)) return next();
    ctx.state.route = PATH;
    if (!['GET', 'HEAD'].includes(ctx.method)) throw wrongMethod();
    const { assets, version, page } = load();
    if (ctx.path === PATH) {
      ctx.set('Content-Security-Policy', POLICY);
      send(ctx, page, 'no-cache');
      return Promise.resolve();
    }
    const [, , asked, name = ''] = ctx.path.split('/');
    const asset = asked === version ? assets.get(name) : undefined;
    if (!asset || ctx.path !== `${PATH}/${version}/${name}`) throw nothingThere();
    send(ctx, asset, IMMUTABLE);
    return Promise.resolve();
  };
  return { middleware, description };
}

function send(ctx: RequestContext, { type, bytes }: Asset, caching: string): void {
  ctx.set('Cache-Control', caching);
  ctx.set('ETag', `"${digestOf(bytes)}"`);
  ctx.status = 200;
  ctx.type = type;
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = bytes;
}

function readAssets(): ReadonlyMap<string, Asset> {
  const library = join(require.resolve('swagger-ui-dist/swagger-ui.css'), '..');
  const file = (folder: string, name: string, type: string): [string, Asset] => [
    name,
    { type: `${type}; charset=utf-8`, bytes: readFileSync(join(folder, name)) },
  ];
  return new Map([
    file(library, 'swagger-ui.css', 'text/css'),
    file(library, 'swagger-ui-bundle.js', 'text/javascript'),
    file(import.meta.dirname, 'start.js', 'text/javascript'),
  ]);
}

function pageOf(version: string): string {
  const at = (name: string) => `${PATH}/${version}/${name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Taskgrant API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${at('swagger-ui.css')}">
</head>
<body>
<main id="api"></main>
<noscript>This page needs scripts. The same in a form for programs: <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="${at('swagger-ui-bundle.js')}"></script>
<script src="${at('start.js')}"></script>
</body>
</html>
`;
}

function digestOf(...parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64url').slice(0, 22);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function wrongMethod(): Problem {
  return new Problem(405, 'method_not_allowed', 'use GET, HEAD', { headers: { Allow: 'GET, HEAD' } });
}

function nothingThere(): Problem {
  return new Problem(404, 'not_found', 'there is nothing at this path');
}

const refusals = Object.fromEntries(
  ([400, 401, 404, 429, 500, 503] as const).map((status) => [status, refusalOf(status)]),
);

function fileOperation(path: string, summary: string, types: readonly string[], parameters: Json[]): Json {
  const content = Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
  return {
    operationId: operationId('get', path),
    summary,
    tags: ['Server'],
    security: [],
    parameters,
    responses: {
      200: { description: 'The file.', headers: headersOf(), content },
      304: { description: 'It has not changed.', headers: headersOf() },
      ...refusals,
    },
  };
}

const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });
const FILE = `${PATH}/{version}/{file}`;

const description: ApiDescription = {
  schemas: {},
  responses: {},
  paths: {
    [PATH]: { get: fileOperation(PATH, 'This description as a page to read and to try.', ['text/html'], []) },
    [FILE]: {
      get: fileOperation(
        FILE,
        'What that page is made of.',
        ['text/css', 'text/javascript'],
        [inPath('version'), inPath('file')],
      ),
    },
  },
};
