import { describe, expect, test } from '@jest/globals';
import { administer, pkce, registerAgent } from '../../support/parties.ts';
import { type Answer, basic, postForm, postJson } from '../../support/requests.ts';
import { requestToken, TOKEN_PATH } from '../../support/token-requests.ts';
import { limitedServer, elsewhere, spend } from './limited-server.ts';
import { expectTooMany, OAUTH_TOO_MANY } from './told.ts';

describe.each(['sqlite', 'postgres'] as const)('limits on %s', (database) => {
  const server = limitedServer(database);

  describe('of failed client authentications', () => {
    const guess = (clientId: string, from: Record<string, string>, secret = 'guess') =>
      requestToken(
        server,
        { headers: { ...basic(clientId, secret), ...from } },
        { grant_type: 'client_credentials', ...pkce().parameters },
      );

    test('[S17] hold per client and address, and stop the right secret from there too', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      const answers = await spend(7, () => guess(agent.clientId, from));
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
      expectTooMany(answers[5] as Answer, 'failed-authentication-client');
      expect(answers[5]?.body).toEqual(OAUTH_TOO_MANY);
      expect((await guess(agent.clientId, from, agent.clientSecret)).status).toBe(429);
      expect((await guess(agent.clientId, elsewhere(), agent.clientSecret)).status).toBe(200);
      const other = await registerAgent(server);
      expect((await guess(other.clientId, from, other.clientSecret)).status).toBe(200);
    });

    test('[S17] hold per client however its id is written', async () => {
      const clientId = 'some-client';
      const from = elsewhere();
      const statuses = [];
      for (let i = 0; i < 7; i += 1) {
        const escaped = `%${clientId.charCodeAt(i).toString(16)}`;
        const written = `${clientId.slice(0, i)}${escaped}${clientId.slice(i + 1)}`;
        const authorization = `Basic ${Buffer.from(`${written}:guess`).toString('base64')}`;
        const form = { grant_type: 'client_credentials', ...pkce().parameters };
        statuses.push((await postForm(server, TOKEN_PATH, form, { authorization, ...from })).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    });

    test('[S17] hold per address over all clients', async () => {
      const from = elsewhere();
      const statuses = [];
      for (let i = 0; i < 10; i += 1) statuses.push((await guess(`nobody-${i}`, from)).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    });

    test('[S17] answer no more attempts of a rush than the limit allows', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      const rush = await Promise.all(Array.from({ length: 20 }, () => guess(agent.clientId, from)));
      expect(rush.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
      expect(rush.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(15);
      const told401 = rush.filter(({ status }) => status === 429);
      for (const answer of told401) expect(answer.headers.get('www-authenticate')).toBeNull();
    });

    test('of unknown refresh tokens do not hold up those of other agents behind the same address', async () => {
      const from = elsewhere();
      const post = (path: string, body: object) => postJson(server, path, body, from);
      const { agent_id, api_key } = await administer(server, 'POST', '/agents/register', {
        name: 'Neighbour',
        owner_email: 'you@company.com',
        permissions: ['example:read'],
      });
      const { body: opened } = await post('/agents/verify', { agent_id, api_key });
      for (let i = 0; i < 5; i += 1) {
        const answer = await post('/agents/refresh', { refresh_token: `${i}${'x'.repeat(42)}` });
        expect(answer.status).toBe(400);
      }
      expect((await post('/agents/refresh', { refresh_token: opened.token.refresh_token })).status).toBe(200);
      const same = () => post('/agents/refresh', { refresh_token: 'x'.repeat(43) });
      expectTooMany((await spend(4, same))[3] as Answer, 'failed-authentication-source');
    });

    test('count nothing while they succeed', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      for (let i = 0; i < 11; i += 1)
        expect((await guess(agent.clientId, from, agent.clientSecret)).status).toBe(200);
    });
  });
});
