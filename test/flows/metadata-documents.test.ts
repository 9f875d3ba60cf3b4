import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pkce } from '../support/parties.ts';
import { postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { TOKEN_PATH } from '../support/token-requests.ts';

const REGISTRATIONS = 3;

/** Whoever has a host has as many URLs as there are. */
function documentAt(url: string): Response {
  return Response.json({
    client_id: url,
    client_name: 'An editor',
    redirect_uris: ['http://localhost/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
}

describe('clients that name themselves by their metadata documents', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      fetch: async (input) => {
        // Long enough for those who come at once to wait for the same document.
        await setTimeout(20);
        return documentAt(input instanceof Request ? input.url : input.toString());
      },
      env: { TRUST_PROXY: '1' },
      settings: { limits: { anonymous: 20, registrations: REGISTRATIONS } },
    });
  });
  // The engine's own look at addresses does not work in the sandbox of jest, and it says so.
  beforeEach(() => void jest.spyOn(console, 'warn').mockReturnValue(undefined));
  afterAll(() => server.stop());

  const redeem = (clientId: string, from = '203.0.113.1') =>
    postForm(
      server,
      TOKEN_PATH,
      {
        grant_type: 'authorization_code',
        code: 'none',
        client_id: clientId,
        code_verifier: pkce().verifier,
        redirect_uri: 'http://localhost/callback',
      },
      { 'x-forwarded-for': from },
    );
  const agents = async () => {
    const { items } = await server.taskgrant.context.store.agents.search({ kind: 'agent' }, { limit: 200 });
    return items.filter(({ clientId }) => clientId.startsWith('https://'));
  };

  test('one that comes several times at once is registered once, and nobody is told of a failure', async () => {
    const clientId = 'https://editor.example.com/client.json';
    const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(clientId, '203.0.113.3')));
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      Array(8).fill([400, 'invalid_grant']),
    );
    expect((await agents()).filter((agent) => agent.clientId === clientId)).toHaveLength(1);
  });
});
