import { existsSync, mkdirSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createWorkplace, finished, startCli } from './run-cli.ts';

const place = createWorkplace();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => place.remove());

/** Something else than a Taskgrant at a loopback address. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const login = (...args: string[]) => place.run('login', '--no-browser', ...args);

describe('taskgrant login, in one line and without a stack', () => {
  test.each([
    '//[',
    'http://[',
    'localhost',
    'ftp://localhost',
    'https://me:secret@a.example',
    'https://a.example?b',
  ])('takes no server at %s', async (issuer) => {
    const { code, stdout, stderr } = await login('--issuer', issuer);
    expect(stderr).toMatch(/^taskgrant: parameter_invalid: --issuer must be an http or https URL .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('takes no audience that is none', async () => {
    const { code, stderr } = await login('--resource', '//[');
    expect(stderr).toMatch(/^taskgrant: option '--resource <uri>' .*absolute URI without a fragment\.\n$/);
    expect(code).toBe(2);
  });

  test.each<[string, RegExp, RequestListener]>([
    ['answers no JSON', /answered 200: no JSON object\n$/, (_, response) => response.end('<html>')],
    ['answers a list', /answered 200: no JSON object\n$/, (_, response) => response.end('[]')],
    ['knows nothing', /answered 404: no JSON object\n$/, (_, response) => response.writeHead(404).end()],
    [
      'is overloaded',
      /answered 503: later\n$/,
      (_, it) => it.writeHead(503).end('{"error_description":"later"}'),
    ],
    [
      'sends elsewhere',
      /does not answer \(unexpected redirect\)\n$/,
      (_, it) => it.writeHead(302, { location: '/' }).end(),
    ],
    ['hangs up', /does not answer \(UND_ERR_SOCKET\)\n$/, (request) => request.socket.destroy()],
  ])('tells that the server %s', async (_, told, answer) => {
    const { code, stdout, stderr } = await login('--issuer', await serve(answer));
    expect(stderr).toMatch(told);
    expect(stderr).toMatch(/^taskgrant: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('tells that what answers speaks no TLS', async () => {
    const { code, stderr } = await login('--issuer', (await serve(() => {})).replace('http:', 'https:'));
    expect(stderr).toMatch(/^taskgrant: https:\/\/127\.0\.0\.1:\d+ does not answer \(ERR_SSL_\w+\)\n$/);
    expect(code).toBe(1);
  });

  test.each(['//[', 'http://auth.example.com/authorize', 7, undefined])(
    'uses no endpoint such as %j',
    async (authorization_endpoint) => {
      const issuer = await serve((_, response) =>
        response.end(JSON.stringify({ issuer, token_endpoint: `${issuer}/token`, authorization_endpoint })),
      );
      const { code, stderr } = await login('--issuer', issuer);
      expect(stderr).toMatch(/^taskgrant: .* names no authorization_endpoint that can be used\n$/);
      expect(code).toBe(1);
    },
  );

  test('waits for nobody when no client was registered', async () => {
    const issuer = await serve((_, response) => {
      const endpoint = `${issuer}/x`;
      const names = ['authorization_endpoint', 'token_endpoint', 'registration_endpoint'];
      response.end(JSON.stringify({ issuer, ...Object.fromEntries(names.map((name) => [name, endpoint])) }));
    });
    const { code, stderr } = await login('--issuer', issuer);
    expect(stderr).toMatch(/^taskgrant: no client could be registered .*answered without client_id\n$/);
    expect(code).toBe(1);
  });

  test('asks nobody to sign in whose answer could not be kept', async () => {
    const folder = join(place.directory, 'folder');
    mkdirSync(folder);
    for (const file of [folder, join(place.directory, 'none', 'token.json')]) {
      const { code, stderr } = await login('--issuer', 'http://127.0.0.1:9', '--save', file);
      expect(stderr).toMatch(/^taskgrant: .*(exists already|ENOENT).*\n$/);
      expect(code).toBe(1);
    }
    expect(existsSync(join(place.directory, 'none'))).toBe(false);
  });
});

describe('a reader that has left', () => {
  test.each(['stdout', 'stderr'] as const)('of %s ends the command without a stack', async (name) => {
    const args = name === 'stdout' ? ['check-config'] : ['login', '--issuer', '//['];
    const child = startCli(args, { DATA_DIR: place.directory });
    child[name].destroy();
    const { stdout, stderr } = await finished(child);
    expect(stdout + stderr).not.toMatch(/EPIPE|at .*\.ts/);
  });
});
