import { describe, expect, jest, test } from '@jest/globals';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { adminToken, registerAgent } from '../../support/parties.ts';
import { bearer, send } from '../../support/requests.ts';
import { open } from '../../support/token-requests.ts';
import { limitedServer, elsewhere } from './limited-server.ts';
import { told, expectTooMany, OAUTH_TOO_MANY } from './told.ts';

describe.each(['sqlite', 'postgres'] as const)('limits on %s', (database) => {
  const server = limitedServer(database);

  describe('of an address', () => {
    test('give back registrations of which nothing came, but none that were refused for who asks', async () => {
      const json = { ...elsewhere(), 'content-type': 'application/json' };
      const post = (path: string, body: object, more: Record<string, string> = {}) =>
        send(server, path, {
          method: 'POST',
          headers: { ...json, ...more },
          body: JSON.stringify(body),
        });
      const client = { redirect_uris: ['https://c.example.com/cb'], token_endpoint_auth_method: 'none' };
      const dynamic = (over: object = {}, more: Record<string, string> = {}) =>
        post('/api/oauth/register', { ...client, ...over }, more);
      for (let i = 0; i < 2; i += 1) {
        const malformed = await dynamic({ redirect_uris: ['/relative'] });
        expect(malformed.status).toBe(400);
        expect(told(malformed)).toMatchObject([{ policy: 'source' }]);
        expect((await post('/api/agents/register', { agent_name: 'x' })).status).toBe(400);
      }
      const { store } = server.taskgrant;
      const away = new UnavailableError('database_unavailable', 'the database is away');
      const failing = jest.spyOn(store, 'commit').mockImplementation(async () => Promise.reject(away));
      expect((await dynamic()).status).toBe(503);
      expect((await post('/api/agents/register', { agent_name: 'New agent' })).status).toBe(503);
      failing.mockRestore();
      const key = { 'idempotency-key': 'a-key-that-nobody-could-guess-0123456789' };
      const [first, again] = [await dynamic({}, key), await dynamic({}, key)];
      expect([first.status, again.status]).toEqual([201, 201]);
      expect(again.body.client_id).toBe(first.body.client_id);
      expect((await dynamic({}, { authorization: 'Bearer guess' })).status).toBe(401);
      const last = await dynamic();
      expect(told(last).at(-1)).toEqual({ policy: 'registration', limit: 3, remaining: 0 });
      expectTooMany(await dynamic(), 'registration');
    });

    test('hold for registrations at both doors together, an administrator’s excepted', async () => {
      const headers = elsewhere();
      const json = { ...headers, 'content-type': 'application/json' };
      const client = { redirect_uris: ['https://c.example.com/cb'], token_endpoint_auth_method: 'none' };
      const dynamic = () =>
        send(server, '/api/oauth/register', { method: 'POST', headers: json, body: JSON.stringify(client) });
      const rest = (more: Record<string, string> = {}) =>
        send(server, '/api/agents/register', {
          method: 'POST',
          headers: { ...json, ...more },
          body: JSON.stringify({ agent_name: 'New agent' }),
        });
      expect((await dynamic()).status).toBe(201);
      expect((await rest()).status).toBe(201);
      const third = await dynamic();
      expect(third.status).toBe(201);
      expect(told(third)).toEqual([
        { policy: 'source', limit: 20, remaining: 17 },
        { policy: 'registration', limit: 3, remaining: 0 },
      ]);
      const refused = await dynamic();
      expectTooMany(refused, 'registration');
      expect(refused.body).toEqual(OAUTH_TOO_MANY);
      expectTooMany(await rest(), 'registration');
      const byAgent = await open(server, await registerAgent(server));
      expectTooMany(await rest(bearer(byAgent.token)), 'registration');
      expect((await rest(bearer(await adminToken(server)))).status).toBe(201);
    });
  });
});
