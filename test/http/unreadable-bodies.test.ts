import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectRaw } from '../faults/raw-connection.ts';
import { send } from '../support/requests.ts';
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
  ])('is refused by the REST API, not stored with other letters (%s)', async (type, text) => {
    const { status, body } = await post('/api/agents/register', type, text);
    expect([status, body.code]).toEqual([400, 'body_malformed']);
  });

  test('is refused by registration', async () => {
    const text = '{"client_name":"café","redirect_uris":["https://c.example/cb"]}';
    const { status, body } = await post('/api/oauth/register', JSON_TYPE, text);
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata']);
  });
});
