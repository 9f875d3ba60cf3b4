import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startAsDelivered } from '../support/agent-auth.ts';
import { asAdmin } from '../support/parties.ts';
import { bearer, postForm, postJson, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';

/** API key → JWT → protected data, step by step, against the settings that a first start has. */
let server: TestServer;
let registered: { agent_id: string; api_key: string };
let token: string;

beforeAll(async () => {
  server = await startAsDelivered();
});
afterAll(() => server.stop());

const weather = (value: string) => send(server, '/data/weather', { headers: bearer(value) });

describe('the weather quick start', () => {
  test('an agent registers and gets an API key', async () => {
    const { status, body } = await postJson(server, '/agents/register', {
      agent_name: 'WeatherBot',
      owner_email: 'owner@test.com',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ agent_id: expect.any(String), api_key: expect.stringMatching(/^tg_/) });
    registered = body;
  });

  test('it logs in with the key, as JSON or as a form', async () => {
    const { api_key } = registered;
    for (const answer of [
      await postJson(server, '/auth/login', { api_key }),
      await postForm(server, '/auth/login', { api_key }),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ token_type: 'bearer', token_id: expect.any(String) });
      expect(answer.body.task_expires_in).toBe(answer.body.expires_in);
      expect(Math.abs(answer.body.expires_in - 600)).toBeLessThan(30);
      expect(answer.body).not.toHaveProperty('refresh_token');
      token = answer.body.access_token;
    }
  });

  test('it reads the weather with the token', async () => {
    const { status, body } = await weather(token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ message: 'Protected weather data', agent_id: registered.agent_id });
    const history = await asAdmin(server, 'GET', `/api/admin/audit/task/${body.task_id}`);
    const types = history.body.history.map((event: { event_type: string }) => event.event_type);
    expect(types).toEqual(['task_opened', 'token_issued', 'agent_verified', 'api_access']);
  });

  test('without a token, or with one that lacks read_weather, nobody does', async () => {
    expect((await send(server, '/data/weather')).status).toBe(401);
    const stocks = await postJson(server, '/agents/register', {
      agent_name: 'StockBot',
      owner_email: 'owner@test.com',
      permissions: ['stripe:payments:read'],
    });
    const { body } = await postJson(server, '/auth/login', { api_key: stocks.body.api_key });
    const refused = await weather(body.access_token);
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
    expect(refused.headers.get('www-authenticate')).toContain('scope="read_weather"');
  });

  test('a wrong key is refused, whether its prefix is known or not', async () => {
    const { api_key: key } = registered;
    const refusals = [];
    for (const wrong of [
      `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`,
      key.replace(/^tg_.{12}/, 'tg_000000000000'),
    ]) {
      const { status, body, headers } = await postJson(server, '/auth/login', { api_key: wrong });
      const { request_id: _, ...problem } = body;
      refusals.push({ status, problem, challenge: headers.get('www-authenticate') });
    }
    expect(refusals[0]).toMatchObject({ status: 401, problem: { code: 'api_key_invalid', verified: false } });
    expect(refusals[1]).toEqual(refusals[0]);
  });

  test('its last token ends with the key', async () => {
    const keys = await asAdmin(server, 'GET', `/agents/${registered.agent_id}/api-keys`);
    const [{ key_id: keyId }] = keys.body.api_keys;
    const path = `/agents/${registered.agent_id}/api-keys/${keyId}`;
    expect((await asAdmin(server, 'DELETE', path)).body).toMatchObject({
      revoked_tasks: 2,
      revoked_tokens: 2,
    });
    expect((await weather(token)).status).toBe(401);
    expect((await postJson(server, '/auth/login', { api_key: registered.api_key })).status).toBe(401);
  });
});
