import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const register = (redirectUri: string) =>
  postJson(server, '/api/oauth/register', {
    client_name: 'Editor',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
  });

describe('both ways to register take the same redirect URIs', () => {
  test.each([
    'http://client.example.com/cb',
    'https://client.example.com/cb#part',
    'https://user:secret@client.example.com/cb',
    'https://*.example.com/cb',
    'javascript:alert(1)',
    'view-source:https://client.example.com/',
    'ws://client.example.com/',
    '/cb',
    'https:client.example.com/cb',
    ' https://client.example.com/cb',
    'https://client.example.com/c\tb',
    'https://client.example.com\\@elsewhere.example.com/cb',
    'https://clïent.example.com/cb',
  ])('%j is refused', async (uri) => {
    const dynamic = await register(uri);
    expect({ status: dynamic.status, error: dynamic.body.error }).toEqual({
      status: 400,
      error: 'invalid_redirect_uri',
    });
    const agent = { agent_name: 'Editor', redirect_uris: [uri], grant_types: ['authorization_code'] };
    expect((await postJson(server, '/api/agents/register', agent)).status).toBe(400);
  });

  test.each([
    'http://127.0.0.1/cb',
    'http://localhost/cb',
    'cursor://anysphere.cursor-retrieval/oauth/callback',
  ])('%s makes a native application', async (uri) => {
    expect((await register(uri)).body).toMatchObject({ application_type: 'native', redirect_uris: [uri] });
  });
});
