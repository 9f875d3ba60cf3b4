import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Koa from 'koa';
import { readBody } from '../../src/http/middleware/body.ts';
import type { RequestState } from '../../src/http/state.ts';
import { connectRaw } from '../faults/raw-connection.ts';
import { pkce } from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

const LIMIT = 1024;
const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { REQUEST_BODY_LIMIT: String(LIMIT) } });
});
afterAll(() => server.stop());

const PIECE = 'x'.repeat(64 * 1024);
/** So many that a socket does not bring them at once. */
const PIECES = `${PIECE.length.toString(16)}\r\n${PIECE}\r\n`.repeat(8);

describe('a body that is too long', () => {
  test.each([
    ['the REST API', '/agents/verify', JSON_TYPE],
    ['an OAuth endpoint', '/api/oauth/token', FORM],
    ['registration', '/api/oauth/register', JSON_TYPE],
    ['a page', '/interaction/none/login', FORM],
  ])('of %s does not keep what follows on the connection from being read', async (_, path, type) => {
    const connection = await connectRaw(server.address);
    connection.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nOrigin: ${server.issuer}\r\nContent-Type: ${type}\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n${PIECES}0\r\n\r\n` +
        'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    await connection.answered(2);
    expect(connection.answers().map(({ status }) => status)).toEqual([413, 200]);
  });
});

test('a body whose client has left before it was read is the client’s fault, not the server’s', async () => {
  const request = new IncomingMessage(new Socket());
  request.headers = { 'content-type': JSON_TYPE, 'content-length': '100' };
  // While it was looked up who asks, as a database that is not on this machine makes one wait for it.
  request.destroy();
  const ctx = new Koa<RequestState>().createContext(request, new ServerResponse(request));
  await expect(readBody(ctx, LIMIT)).rejects.toMatchObject({ status: 400, code: 'body_malformed' });
});

describe('a body in another encoding than UTF-8', () => {
  /** As a terminal that is set to Latin-1 sends it. */
  const post = (path: string, type: string, text: string) =>
    send(server, path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(Buffer.from(text, 'latin1')),
    });

  test.each([
    [JSON_TYPE, '{"agent_name":"café","owner_email":"you@company.com"}'],
    [FORM, 'agent_name=café&owner_email=you@company.com'],
    // RFC 6749 appendix B: a form's letters are escaped as UTF-8.
    [FORM, 'agent_name=caf%E9&owner_email=you@company.com'],
    [FORM, 'agent_name=%C3%28&owner_email=you@company.com'],
    [FORM, 'agent_name=%ED%A0%80&owner_email=you@company.com'],
  ])('is refused by the REST API, not stored with other letters (%s)', async (type, text) => {
    const { status, body } = await post('/api/agents/register', type, text);
    expect([status, body.code]).toEqual([400, 'body_malformed']);
  });

  test.each(['café', 'caf%E9', 'caf%e9', '%C3', '%F4%90%80%80', '%C0%80'])(
    'is refused by an OAuth endpoint: %s',
    async (description) => {
      const text = `grant_type=client_credentials&task_description=${description}`;
      const { status, body } = await post('/api/oauth/token', FORM, text);
      expect([status, body.error, body.error_description]).toEqual([
        400,
        'invalid_request',
        expect.stringMatching(/^the body (could not be read|is not a form in UTF-8)$/),
      ]);
    },
  );

  test('is refused by a page', async () => {
    const headers = { origin: server.issuer, 'content-type': FORM };
    const body = 'email=caf%E9%40example.com';
    const page = await send(server, '/interaction/none/login', { method: 'POST', headers, body });
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('The form could not be read')]);
  });

  test('is not what escaped UTF-8, a raw letter beside it, or a lone percent sign is', async () => {
    for (const description of ['caf%C3%A9', '%F0%9F%99%82', 'é%C3%A9', '100%', '%zz', '%EF%BF%BD']) {
      const body = `grant_type=client_credentials&task_description=${description}`;
      const headers = { 'content-type': FORM };
      const answer = await send(server, '/api/oauth/token', { method: 'POST', headers, body });
      expect(answer.body.error_description).toBe('no client authentication mechanism provided');
    }
  });

  test('is refused in an authorization request: nobody is asked to approve other letters', async () => {
    const callback = 'https://c.example/cb';
    const { client_id } = (await postJson(server, '/api/oauth/register', { redirect_uris: [callback] })).body;
    const asked = { response_type: 'code', client_id, redirect_uri: callback, ...pkce().parameters };
    const url = `/api/oauth/authorize?${new URLSearchParams(asked).toString()}&task_description=`;
    const { status, headers } = await send(server, `${url}caf%E9`);
    const back = new URL(headers.get('location') ?? '', server.issuer);
    expect([status, `${back.origin}${back.pathname}`]).toEqual([303, callback]);
    expect(back.searchParams.get('error')).toBe('invalid_request');
    expect((await send(server, `${url}caf%C3%A9`)).headers.get('location')).toMatch(/^\/interaction\//);
  });

  test('is refused in a query, too', async () => {
    const { status, body } = await send(server, '/permissions/list?service=caf%E9');
    expect([status, body.code]).toEqual([400, 'request_invalid']);
  });

  test('is refused by registration', async () => {
    const text = '{"client_name":"café","redirect_uris":["https://c.example/cb"]}';
    const { status, body } = await post('/api/oauth/register', JSON_TYPE, text);
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata']);
  });
});
