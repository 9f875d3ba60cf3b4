import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { send, type Answer } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { enginePath, ENGINE_PATHS } from '../../src/http/engine-paths.ts';

let server: TestServer;
let page: Answer;
beforeAll(async () => {
  server = await startServer();
  page = await send(server, '/docs');
});
afterAll(() => server.stop());

/** As browsers ask; fetch would forbid an answer without a body by itself. */
const ifChanged = ({ headers }: Answer) => ({
  'if-none-match': headers.get('etag') ?? '',
  'cache-control': 'max-age=0',
});

const linked = () => [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path = '']) => path);

describe('the page at /docs', () => {
  test('is HTML that runs and loads nothing but files of this server', async () => {
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.text).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=|https?:/);
  });

  test('is made of files that may be kept for good, since another content has another path', async () => {
    expect(linked()).toHaveLength(3);
    for (const path of linked()) {
      const file = await send(server, path);
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers.get('content-type')).toMatch(/^text\/(css|javascript); charset=utf-8$/);
      expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
      // What answers data may not be run, nor may these files as pages of their own.
      expect(file.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(file.headers.get('content-security-policy')).not.toContain('script-src');
      const again = await send(server, path, {
        headers: ifChanged(file),
      });
      expect([again.status, again.text.length]).toEqual([304, 0]);
    }
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const unchanged = await send(server, '/docs', {
      headers: ifChanged(page),
    });
    expect(unchanged.status).toBe(304);
  });

  test.each([
    '/docs/',
    '/docs/start.js',
    '/docs/x/start.js',
    '/docs/{version}/index.html',
    '/docs/{version}/package.json',
    '/docs/{version}/constructor',
    '/docs/{version}/__proto__',
    '/docs/{version}/..%2fpackage.json',
    '/docs/{version}/start.js/',
    '/docs/{version}',
    '/docs/{version}/start.js/x',
    '/docsx',
  ])('is nothing else: %s', async (template) => {
    const version = linked()[0]?.split('/')[2] ?? '';
    const answer = await send(server, template.replace('{version}', version));
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  test('answers GET and HEAD only', async () => {
    const head = await send(server, '/docs', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    const post = await send(server, '/docs', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('the description of the OAuth endpoints', () => {
  test('names paths and methods that the engine answers', async () => {
    const { body } = await send(server, '/openapi.json');
    const paths: Record<string, Record<string, { tags: string[] }>> = body.paths;
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { tags }]) => tags[0]?.startsWith('OAuth'))
        .map(([method]) => ({ path, method: method.toUpperCase() })),
    );
    expect(described.length).toBeGreaterThan(20);
    for (const { path, method } of described) {
      const known = enginePath(ENGINE_PATHS, path.replaceAll(/\{\w+\}/g, 'x'));
      expect({ path, method, known: known?.methods.includes(method) }).toEqual({ path, method, known: true });
    }
    for (const { path, methods } of ENGINE_PATHS) {
      for (const method of methods) {
        const found = described.filter(
          (one) => one.method === method && path.test(one.path.replaceAll(/\{\w+\}/g, 'x')),
        );
        expect([String(path), method, found.length > 0]).toEqual([String(path), method, true]);
      }
    }
  });

  test('names every endpoint of the metadata', async () => {
    const { body } = await send(server, '/openapi.json');
    const metadata = await send(server, '/.well-known/openid-configuration');
    const endpoints = Object.entries<string>(metadata.body).filter(([name]) => /_(endpoint|uri)$/.test(name));
    expect(endpoints.length).toBeGreaterThan(8);
    for (const [name, url] of endpoints) {
      expect([name, body.paths[new URL(url).pathname] !== undefined]).toEqual([name, true]);
    }
    expect(metadata.body.service_documentation).toBe(`${server.issuer}/docs`);
  });
});
