import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { browserOf } from '../support/browser-session.ts';
import { CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson } from '../support/parties.ts';
import { basic, bearer, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents } from '../support/token-requests.ts';

const directory = mkdtempSync(join(tmpdir(), 'taskgrant-algorithm-'));
let server: TestServer;
let client: AgentParty;
let registered: { readonly uri: string; readonly token: string };

const start = (SIGNING_ALG: string) =>
  startServer({ env: { DATA_DIR: directory, SIGNING_ALG, REGISTRATION: 'open' } });

beforeAll(async () => {
  server = await start('ES256');
  const { body } = await postJson(server, '/api/oauth/register', {
    client_name: 'Registered under ES256',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'example:read',
  });
  registered = { uri: body.registration_client_uri, token: body.registration_access_token };
  const { client_id: clientId, client_secret: clientSecret } = body;
  client = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
  await server.stop();
  server = await start('EdDSA');
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('every key that a start makes stands in the audit trail', async () => {
  const kids = (await send(server, '/api/oauth/jwks')).body.keys.map(({ kid }: { kid: string }) => kid);
  const [first] = await auditEvents(server, { event_type: 'signing_key_created' });
  expect(first).toMatchObject({
    actor: 'system',
    reason: 'first start',
    details: { kid: expect.any(String), algorithm: 'ES256' },
  });
  const rotated = await auditEvents(server, { event_type: 'signing_key_rotated' });
  expect(rotated).toMatchObject([{ reason: 'SIGNING_ALG changed', details: { algorithm: 'EdDSA' } }]);
  const told = [first, ...rotated].map((event) => event!['details'].kid as string);
  expect(new Set(kids)).toEqual(new Set(told));
});

test('clients that registered themselves go on when SIGNING_ALG has changed', async () => {
  const browser = browserOf(server, await createPerson(server));
  const code = await getCode(server, { agent: client, browser, form: { scope: 'openid example:read' } });
  const { status, body } = await redeemCode(server, client, code);
  expect({ status, error: body.error }).toEqual({ status: 200 });
  expect(decodeProtectedHeader(body.id_token).alg).toBe('EdDSA');
  const shown = await send(server, new URL(registered.uri).pathname, { headers: bearer(registered.token) });
  expect(shown.body).toMatchObject({ client_id: client.clientId, id_token_signed_response_alg: 'EdDSA' });
});
