import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { adminToken } from '../support/parties.ts';
import { bearer, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** JSON writes a NUL and half of a surrogate pair as escapes, which PostgreSQL does not store. */
describe.each(['sqlite', 'postgres'] as const)('a key with a member of any name, on %s,', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ database });
  });
  afterAll(() => server.stop());

  test.each(['\u0000', 'a\u0000b', '\ud800'])('%j, is registered like others', async (name) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'its-key', [name]: 'value' };
    const client = {
      client_name: 'Agent',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key] },
    };
    const answer = await postJson(server, '/api/oauth/register', client, bearer(await adminToken(server)));
    expect(answer).toMatchObject({ status: 201, body: { jwks: { keys: [{ kid: 'its-key' }] } } });
  });
});
