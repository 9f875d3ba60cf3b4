import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Knex } from 'knex';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { connect } from '../../src/store/database.ts';
import { CALLBACK } from '../support/code-flow.ts';
import { asAdmin, pkce } from '../support/parties.ts';
import { basic, bearer, postJson, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { ADMIN, auditEvents, clientCredentials, revoke } from '../support/token-requests.ts';
import { adminTokenWith } from '../support/who-asks.ts';
import { atOnce, onEveryDatabase, tally } from './nodes.ts';

onEveryDatabase('a client that manages its own registration', (nodes) => {
  let server: TestServer;
  let db: Knex;
  beforeAll(() => {
    server = nodes().front;
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  test('is not there without the token that it is managed with', async () => {
    const { store } = server.taskgrant;
    const { commit } = store;
    const { upsert } = store.artifacts;
    const isToken = ({ model }: { readonly model: string }) => model === 'RegistrationAccessToken';
    const away = new UnavailableError('database_unavailable', 'the database is away');
    for (const node of nodes().each) {
      const { store } = node.taskgrant;
      jest.spyOn(store.artifacts, 'upsert').mockImplementation(async (artifact) => {
        if (isToken(artifact)) throw away;
        return upsert(artifact);
      });
      jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
        const tokens = unit.changes.filter((one) => one.do === 'insert_artifact' && isToken(one.artifact));
        if (tokens.length > 0) throw away;
        return commit(unit);
      });
    }
    const { status, headers } = await postJson(server, '/api/oauth/register', {
      client_name: 'Half a client',
      redirect_uris: [CALLBACK],
    });
    jest.restoreAllMocks();
    expect({ status, wait: headers.has('retry-after') }).toEqual({ status: 503, wait: true });
    const { items } = await store.agents.search({ name: 'Half a client' }, { limit: 10 });
    expect(items).toHaveLength(0);
  });

  test.each([{}, { 'Idempotency-Key': 'registered-by-a-revoked-token' }])(
    'is not registered by the token of an administrator that was revoked meanwhile: %j',
    async (headers) => {
      const { store } = server.taskgrant;
      const token = await adminTokenWith(server, 'admin:write');
      for (const node of nodes().each) {
        const { commit } = node.taskgrant.store;
        jest.spyOn(node.taskgrant.store, 'commit').mockImplementation(async (unit) => {
          if (unit.changes.some((one) => one.do === 'insert_agent')) await revoke(server, ADMIN, token);
          return commit(unit);
        });
      }
      const client = { client_name: 'Late client', redirect_uris: [CALLBACK], scope: 'reports:admin' };
      const answer = await postJson(server, '/api/oauth/register', client, { ...bearer(token), ...headers });
      jest.restoreAllMocks();
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      const { items } = await store.agents.search({ name: 'Late client' }, { limit: 10 });
      expect(items).toHaveLength(0);
      const [refused] = await auditEvents(server, { event_type: 'request_refused' });
      expect(refused).toMatchObject({
        reason: expect.stringContaining('revoked meanwhile'),
      });
    },
  );

  test.each(['by itself', 'by an administrator'])(
    'leaves nothing to manage it with when it is deleted %s',
    async (by) => {
      const { body: made } = await postJson(server, '/api/oauth/register', { redirect_uris: [CALLBACK] });
      const { pathname } = new URL(made.registration_client_uri);
      const stored = () => db('oidc_artifacts').where({ client_id: made.client_id }).pluck('model');
      expect(await stored()).toEqual(['RegistrationAccessToken']);
      const own = { method: 'DELETE', headers: bearer(made.registration_access_token) };
      const { status } =
        by === 'by itself'
          ? await send(server, pathname, own)
          : await asAdmin(server, 'DELETE', `/api/agents/${made.client_id}`);
      expect(status).toBeLessThan(300);
      expect(await stored()).toEqual([]);
      expect((await send(server, pathname, { headers: own.headers })).status).toBe(401);
    },
  );

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
