import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, getCode, redeemCode } from '../support/code-flow.ts';
import { createPerson, pkce } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials } from '../support/token-requests.ts';

const REDIRECT = 'http://localhost/callback';

describe('a client that names itself by the URL of its metadata document', () => {
  let server: TestServer;
  let browser: BrowserSession;
  let answers: Record<string, () => Response>;
  let fetched: string[];

  beforeAll(async () => {
    const fetch: typeof globalThis.fetch = async (input) => {
      const url = input instanceof Request ? input.url : input.toString();
      fetched.push(url);
      return answers[url]?.() ?? new Response('gone', { status: 404 });
    };
    server = await startServer({ fetch });
    browser = browserOf(server, await createPerson(server));
  });
  beforeEach(() => {
    answers = {};
    fetched = [];
  });
  afterAll(() => server.stop());

  let made = 0;
  /** A URL that answers with metadata of its own, or with what `over` makes of it. */
  function publish(
    over: Record<string, unknown> = {},
    respond = (body: string) => new Response(body),
  ): string {
    made += 1;
    const url = `https://client-${made}.example.com/oauth/metadata.json`;
    const document = {
      client_id: url,
      client_name: 'An editor',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...over,
    };
    answers[url] = () => respond(JSON.stringify(document));
    return url;
  }

  async function refused(clientId: string) {
    const url = authorizationUrl(server, { clientId }, { redirect_uri: REDIRECT, ...pkce().parameters });
    const { status, headers } = await send(server, url.href);
    expect(headers.get('location')).toBeNull();
    return status;
  }

  test('[S21] is welcome, says the metadata', async () => {
    const { body } = await send(server, '/.well-known/oauth-authorization-server');
    expect(body.client_id_metadata_document_supported).toBe(true);
  });

  test('[S20] gets a code and tokens, with the default permissions at most', async () => {
    const clientId = publish();
    const agent = { clientId, clientSecret: '', headers: {} };
    const form = { scope: 'reports:read', redirect_uri: 'http://localhost:40001/callback' };
    const code = await getCode(server, { agent, browser, form });
    const { status, body } = await redeemCode(server, agent, code, { client_id: clientId });
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'reports:read' });
    const wide = authorizationUrl(server, agent, { ...form, scope: 'reports:write', ...pkce().parameters });
    expect((await browser.allow(wide)).searchParams.get('error')).toBe('invalid_scope');
    const own = await clientCredentials(server, agent, { client_id: clientId, ...pkce().parameters });
    expect(own.body).toMatchObject({ error: 'unauthorized_client' });
  });

  test.each([
    ['10 minutes', 600, ['authorization_code']],
    ['30 days', 2_592_000, ['authorization_code', 'refresh_token']],
  ])('[R17] its task lasts %s at most, as the person was told', async (told, seconds, grant_types) => {
    const clientId = publish({ grant_types });
    const proof = pkce();
    const form = { redirect_uri: REDIRECT, scope: 'reports:read', ...proof.parameters };
    const page = await browser.consentPage(authorizationUrl(server, { clientId }, form));
    expect(page.html).toContain(`in ${told}`);
    const back = (await browser.pages.submit(page, {})).location;
    const code = back?.searchParams.get('code') ?? '';
    const { verifier } = proof;
    const redeemed = { code, verifier, redirectUri: REDIRECT };
    const { body } = await redeemCode(server, { headers: {} }, redeemed, { client_id: clientId });
    const left = body.task.expires_at - Date.now() / 1000;
    expect(left).toBeGreaterThan(seconds - 60);
    expect(left).toBeLessThanOrEqual(seconds);
  });

  test.each([
    ['whose client_id is another URL', { client_id: 'https://elsewhere.example.com/metadata.json' }],
    ['without a client_id', { client_id: undefined }],
    ['that authenticates by a shared secret', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['that publishes a secret', { client_secret: 'not-secret-any-more' }],
    ['whose redirect URI holds credentials', { redirect_uris: [REDIRECT, 'https://u:p@app.example.com/'] }],
    ['whose redirect URI is a pattern', { redirect_uris: [REDIRECT, 'https://*.example.com/'] }],
    ['whose name reads backwards', { client_name: 'Editor \u202egnp' }],
    ['whose redirect URI is no page', { redirect_uris: [REDIRECT, 'ws://app.example.com/'] }],
    ['that needs another one', { sector_identifier_uri: 'https://elsewhere.example.com/uris.json' }],
  ])('[S20] is refused with a document %s', async (_what, over) => {
    const clientId = publish(over);
    expect(await refused(clientId)).toBe(400);
    expect([...new Set(fetched)]).toEqual([clientId]);
  });

  test.each([
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://x.example' } })],
    ['a status that is not 200', () => new Response('{}', { status: 203 })],
    ['no JSON', () => new Response('<html>')],
    ['a list', () => new Response('[]')],
    ['more than any metadata needs', (body: string) => new Response(body.padEnd(20_000, ' '))],
  ])('[S20] is refused with %s', async (_what, respond) => {
    expect(await refused(publish({}, respond))).toBe(400);
  });

  test('[S20] errors are not remembered', async () => {
    const clientId = publish();
    const works = answers[clientId];
    answers[clientId] = () => new Response('down', { status: 503 });
    expect(await refused(clientId)).toBe(400);
    if (works) answers[clientId] = works;
    const url = authorizationUrl(server, { clientId }, { redirect_uri: REDIRECT, ...pkce().parameters });
    expect((await send(server, url.href)).status).toBe(303);
  });

  test.each([
    'http://client.example.com/metadata.json',
    'https://client.example.com/a/../metadata.json',
    'https://user@client.example.com/metadata.json',
    'https://client.example.com/metadata.json#part',
    'HTTPS://client.example.com/metadata.json',
    `https://client.example.com/${'longer-than-any-path-of-an-agent-may-be/'.repeat(52)}`,
  ])('[S20] is never looked for at %s', async (clientId) => {
    expect(await refused(clientId)).toBe(400);
    expect(fetched).toEqual([]);
  });
});

/** With the real network: the server as a process of its own, and a listener that must hear nothing. */
describe('a metadata document on an address of the inside', () => {
  let child: ChildProcess;
  let inside: Server;
  let heard = 0;
  let issuer: string;
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-'));

  beforeAll(async () => {
    inside = createServer((socket) => {
      socket.on('data', (bytes) => {
        heard += bytes.length;
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    const main = join(import.meta.dirname, '../../src/main.ts');
    const env = { ...process.env, PORT: String(port), ISSUER: issuer, NODE_ENV: 'test', NODE_OPTIONS: '' };
    child = spawn(process.execPath, [main], { cwd: home, env, stdio: 'ignore' });
    await untilReady(issuer);
  });
  afterAll(async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    inside.close();
    rmSync(home, { recursive: true, force: true });
  });

  test.each(['localhost', '127.0.0.1', '[::ffff:127.0.0.1]'])(
    '[S20] is refused at %s, and nothing is said there',
    async (host) => {
      const { port } = inside.address() as AddressInfo;
      const clientId = `https://${host}:${port}/metadata.json`;
      const form = { redirect_uri: REDIRECT, ...pkce().parameters };
      const url = authorizationUrl({ issuer } as TestServer, { clientId }, form);
      const { status } = await send({ issuer }, url.href);
      expect({ status, heard }).toEqual({ status: 400, heard: 0 });
    },
  );
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilReady(issuer: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const ready = await fetch(`${issuer}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await setTimeout(50);
  }
  throw new Error('the server did not start');
}
