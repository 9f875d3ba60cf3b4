import { beforeAll, expect, test } from '@jest/globals';
import { CALLBACK } from '../support/code-flow.ts';
import { pkce } from '../support/parties.ts';
import { basic, bearer, postJson, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { clientCredentials } from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, tally } from './nodes.ts';

onEveryDatabase('a client that manages its own registration', (nodes) => {
  let server: TestServer;
  beforeAll(() => {
    server = nodes().front;
  });

  test('gets one secret, however often it asks for one at the same moment', async () => {
    const without = { token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK] };
    const { body: made } = await postJson(server, '/api/oauth/register', without);
    const headers = { ...bearer(made.registration_access_token), 'content-type': 'application/json' };
    const body = JSON.stringify({
      client_id: made.client_id,
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'client_credentials'],
    });
    const { pathname } = new URL(made.registration_client_uri);
    const answers = await atOnce(() =>
      send({ issuer: server.address }, pathname, { method: 'PUT', headers, body }),
    );
    const { 200: changed = 0, '400 invalid_request': refused = 0 } = tally(answers);
    expect(changed + refused).toBe(answers.length);
    const secrets = answers.flatMap(({ body: { client_secret: secret } }) => secret ?? []);
    expect(secrets).toHaveLength(1);
    const [secret] = secrets;
    const agent = { clientId: made.client_id, clientSecret: secret, headers: basic(made.client_id, secret) };
    expect((await clientCredentials(server, agent, pkce().parameters)).status).toBe(200);
  });
});
