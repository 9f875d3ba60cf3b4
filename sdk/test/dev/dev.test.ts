import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readCommandLine, UsageError } from '../../src/dev/command-line.ts';
import { COMMANDS } from '../../src/dev/commands.ts';
import { createKeyPair, startTestServer, type TestServer, writeKeyPair } from '../../src/dev/index.ts';
import { keysGiven, requestReplaysInMemory, verifyRequestToken } from '../../src/requests/index.ts';
import { keysFromFolder } from '../../src/requests-node/index.ts';

const CLI = new URL('../../src/dev/cli.ts', import.meta.url).pathname;
const SERVER = new URL('../../../', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskgrant-dev-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command as a person types it, in a folder of its own. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const options = { cwd: folder, env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 20_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], options, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

describe('taskgrant-dev', () => {
  test('makes a key pair whose public half opens a folder, and a token for one body', async () => {
    const made = await run(['keys', '--issuer', 'dev_postman', '--private-dir', 'private']);
    expect(made).toMatchObject({ code: 0, err: '' });
    for (const file of ['dev_postman.private.pem', 'dev_postman.private.jwk.json']) {
      expect((await stat(join(folder, 'private', file))).mode & 0o777).toBe(0o600);
    }
    expect(await readFile(join(folder, 'private', 'dev_postman.jwks.json'), 'utf8')).not.toMatch(/"d"/);
    expect(made.out).not.toMatch('PRIVATE KEY');

    const url = 'https://agent.example/agent?x=1';
    const key = ['--issuer', 'dev_postman', '--key', join('private', 'dev_postman.private.pem')];
    const printed = await run(['token', ...key, '--url', url, '--body', '{"query":"x"}']);
    expect(printed.out).toMatch(/^Authorization: Bearer [\w.-]+\n$/);

    const keys = await keysFromFolder(join(folder, 'authorized_keys'));
    const receiver = { publicUrl: 'https://agent.example', keys, replays: requestReplaysInMemory() };
    const authorization = printed.out.trim().slice('Authorization: '.length);
    const request = (body: string) => new Request(url, { method: 'POST', headers: { authorization }, body });
    await expect(verifyRequestToken(request('{}'), receiver)).rejects.toMatchObject({
      reason: 'body_changed',
    });
    expect(await verifyRequestToken(request('{"query":"x"}'), receiver)).toMatchObject({
      issuer: 'dev_postman',
    });
    await keys.close();
  });

  test('overwrites no key, and makes no file outside its folders', async () => {
    await run(['keys', '--issuer', 'once', '--alg', 'EdDSA']);
    const before = await readFile(join(folder, 'once.private.pem'), 'utf8');
    expect(await run(['keys', '--issuer', 'once'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('EEXIST'),
    });
    expect(await readFile(join(folder, 'once.private.pem'), 'utf8')).toBe(before);
    const fresh = await createKeyPair();
    const keysDir = join(folder, 'keys');
    for (const issuer of ['../up', '.hidden', 'a/b', 'a b', '-x', '', 'a#b']) {
      const writing = writeKeyPair(fresh, { issuer, keysDir, privateDir: keysDir });
      await expect(writing).rejects.toMatchObject({ code: 'option_invalid' });
    }
    expect(existsSync(keysDir)).toBe(false);
    expect(existsSync(join(folder, '..', 'up.private.pem'))).toBe(false);
  });

  test('says what is wrong with a command line', async () => {
    expect(await run(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('Usage: taskgrant-dev'),
    });
    expect(await run(['keys'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--issuer is needed[^]*Usage:/),
    });
    for (const args of [
      ['nothing'],
      ['constructor'],
      ['token', '--x'],
      ['keys', 'extra'],
      ['server', '--port'],
    ]) {
      expect(() => readCommandLine(args)).toThrow(UsageError);
    }
    const outside = { print: () => undefined, untilStopped: () => Promise.resolve() };
    for (const wrong of [
      COMMANDS.keys({ issuer: 'a', alg: 'HS256' }, outside),
      COMMANDS.token({ issuer: 'a', body: 'x', 'body-file': 'x' }, outside),
      COMMANDS.token({ issuer: 'a', url: 'nonsense' }, outside),
      COMMANDS.server({ port: 'x' }, outside),
    ]) {
      await expect(wrong).rejects.toThrow(UsageError);
    }
  });

  test('is for development: no token for trying and no server in production', async () => {
    const production = { NODE_ENV: 'production' };
    expect(await run(['server'], production)).toMatchObject({
      code: 1,
      err: expect.stringContaining('NODE_ENV=production'),
    });
    const token = ['token', '--issuer', 'a', '--key', 'k', '--url', 'https://a.example'];
    expect(await run(token, production)).toMatchObject({
      code: 1,
      err: expect.stringContaining('NODE_ENV=production'),
    });
    const before = process.env['NODE_ENV'];
    try {
      process.env['NODE_ENV'] = 'production';
      await expect(startTestServer({ directory: SERVER })).rejects.toMatchObject({ code: 'unsupported' });
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  test('finds the server only where there is one', async () => {
    await expect(startTestServer({ directory: folder })).rejects.toMatchObject({ code: 'option_invalid' });
    expect(await run(['server'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('not installed here'),
    });
  });

  test('runs a server until it is told to end, and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [CLI, 'server', '--directory', SERVER], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: folder },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const ended = once(child, 'exit');
    try {
      const deadline = Date.now() + 15_000;
      while (!out.includes('thrown away') && child.exitCode === null && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const issuer = /^server +(\S+)$/m.exec(out)?.[1] ?? '';
      expect((await fetch(`${issuer}/health/live`)).status).toBe(200);
      child.kill('SIGINT');
      expect((await ended)[0]).toBe(0);
      await expect(fetch(`${issuer}/health/live`)).rejects.toThrow();
      const { readdir } = await import('node:fs/promises');
      expect((await readdir(folder)).filter((name) => name.startsWith('taskgrant-test-'))).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('startTestServer', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ directory: SERVER });
  });
  afterAll(() => server.stop());

  test('gives a server of its own, whose credentials work', async () => {
    const { admin, issuer, apiAudience } = server;
    const verifier = 'a-verifier-that-is-long-enough-for-the-standard-0123';
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    const answer = await fetch(`${issuer}/api/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${admin.clientId}:${admin.clientSecret}`)}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'admin:read',
        resource: apiAudience,
        code_challenge: Buffer.from(digest).toString('base64url'),
        code_challenge_method: 'S256',
      }),
    });
    expect(answer.status).toBe(200);
    const { access_token } = (await answer.json()) as { access_token: string };
    const agents = await fetch(`${issuer}/api/agents/list`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(agents.status).toBe(200);
  });

  test('is never somebody else who has the port', async () => {
    const port = Number(new URL(server.issuer).port);
    const starting = startTestServer({ directory: SERVER, port });
    const told = await starting.then(
      (other) => other.stop(),
      (error: unknown) => String(error),
    );
    expect(told).toMatch(/did not become ready[^]*EADDRINUSE/);
  });

  test('is noticed to be ready also in production, where it greets nobody', async () => {
    const env = {
      NODE_ENV: 'production',
      ISSUER: 'https://auth.example.com',
      ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
    };
    const other = await startTestServer({ directory: SERVER, env });
    expect(other.issuer).toBe(env.ISSUER);
    await other.stop();
  });

  test('is gone when it is stopped, however often', async () => {
    await Promise.all([server.stop(), server.stop()]);
    await expect(fetch(`${server.issuer}/health/live`)).rejects.toThrow();
  });
});

test('a key pair is good for what it says', async () => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
    const { publicJwk, privateJwk, publicPem, keyId } = await createKeyPair(algorithm);
    expect(publicJwk).toMatchObject({ kid: keyId, alg: algorithm, use: 'sig' });
    expect(publicJwk).not.toHaveProperty('d');
    expect(privateJwk).toHaveProperty('d');
    const keys = await keysGiven([
      { issuer: 'a', publicKey: publicJwk },
      { issuer: 'b', publicKey: publicPem },
    ]);
    expect(await keys.find('a', keyId)).toHaveLength(1);
    expect(await keys.find('b', undefined)).toHaveLength(1);
  }
});
