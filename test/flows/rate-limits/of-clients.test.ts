import { describe, expect, test } from '@jest/globals';
import { browserOf } from '../../support/browser-session.ts';
import { authorize, CALLBACK } from '../../support/code-flow.ts';
import {
  type AgentParty,
  administer,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../../support/parties.ts';
import { type Answer, basic, bearer, type Form, postForm, send } from '../../support/requests.ts';
import { ADMIN, auditEvents, clientCredentials, open, TOKEN_PATH } from '../../support/token-requests.ts';
import { LIMITS, limitedServer, elsewhere, spend } from './limited-server.ts';
import { told, expectTooMany, OAUTH_TOO_MANY } from './told.ts';

describe.each(['sqlite', 'postgres'] as const)('limits on %s', (database) => {
  const server = limitedServer(database);

  const ask = (agent: AgentParty, form: Form = {}) =>
    clientCredentials(server, agent, { ...pkce().parameters, ...form });

  describe('of a client', () => {
    test('hold at every endpoint together, before anything is issued, and are on record', async () => {
      const agent = await registerAgent(server);
      const task = await open(server, agent);
      const use = (path: string, form: Form) => postForm(server, path, form, agent.headers);
      const answers = [
        await use('/api/oauth/introspect', { token: task.token }),
        await use('/api/oauth/verify', { token: task.token }),
        await use('/api/oauth/revoke', { token: 'unknown' }),
        await use('/api/oauth/par', { redirect_uri: CALLBACK }),
        await use(TOKEN_PATH, { grant_type: 'nothing' }),
        await send(server, `/api/tasks/${task.taskId}`, { headers: bearer(task.token) }),
      ];
      const left = answers.flatMap((answer) => told(answer).map(({ remaining }) => remaining));
      expect(left).toEqual([10, 9, 8, 7, 6, 5]);
      for (const answer of answers) expect(told(answer)).toMatchObject([{ policy: 'client', limit: 12 }]);

      const last = await spend(6, () => ask(agent));
      expect(last.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
      const refusals = [
        last[5] as Answer,
        await use('/api/oauth/introspect', { token: task.token }),
        await use('/api/oauth/verify', { token: task.token }),
        await use('/api/oauth/revoke', { token: task.token }),
        await use('/api/oauth/par', { redirect_uri: CALLBACK, response_type: 'code' }),
      ];
      for (const refused of refusals) {
        expectTooMany(refused, 'client');
        expect(refused.body).toEqual(OAUTH_TOO_MANY);
      }
      const resource = await send(server, `/api/tasks/${task.taskId}`, { headers: bearer(task.token) });
      expectTooMany(resource, 'client');
      expect(resource.body).toMatchObject({ code: 'rate_limited', status: 429, policy: 'client' });
      expect(resource.body.retry_after).toBe(Number(resource.headers.get('retry-after')));

      const { tokens } = await administer(
        server,
        'GET',
        `/api/admin/tokens/search?client_id=${agent.clientId}`,
      );
      expect(tokens).toHaveLength(6);
      const record = { reason: 'rate_limited', actor: agent.clientId, details: { policy: 'client' } };
      const about = { client_id: agent.clientId };
      // The first of them all is the pushed request that named no response type.
      const requests = await auditEvents(server, { ...about, event_type: 'request_refused' }, 6);
      expect(requests.slice(0, 5)).toMatchObject(Array(5).fill(record));
      expect(requests).toHaveLength(6);
      const paths = requests.map(({ details }: { details: { path?: string } }) => details.path);
      const endpoints = ['par', 'revoke', 'verify', 'introspect'].map((name) => `/api/oauth/${name}`);
      expect(paths.filter(Boolean).slice(0, 4)).toEqual(endpoints);
      const [latest] = await auditEvents(server, { ...about, event_type: 'token_refused' }, 2);
      expect(latest).toMatchObject(record);
    });

    test('are those of its tier, and follow it, at the OAuth endpoints at once and at our API soon', async () => {
      const agent = await registerAgent(server);
      for (const [tier, limit] of Object.entries(LIMITS.tiers)) {
        await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { tier });
        const answers = await spend(tier === 'free' ? 2 : 20, () => ask(agent));
        for (const answer of answers) expect(answer.status).toBe(200);
        // The first of them may tell what was remembered.
        for (const answer of answers.slice(1))
          expect(told(answer)).toMatchObject([{ policy: 'client', limit }]);
        // Its tier may be ten seconds old there.
        server.clock.advance(11);
        const headers = bearer(answers[0]?.body.access_token);
        const own = await send(server, '/api/agents/me', { headers });
        expect([own.status, told(own)]).toMatchObject([200, [{ policy: 'client', limit }]]);
      }
    });

    test('refuse nobody who has just got a higher tier, wherever they ask next', async () => {
      const introspect = (agent: AgentParty) =>
        postForm(server, '/api/oauth/introspect', { token: 'x' }, agent.headers);
      for (const request of [ask, introspect]) {
        const agent = await registerAgent(server);
        const answers = await spend(13, () => request(agent));
        expectTooMany(answers[12] as Answer, 'client');
        await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { tier: 'pro' });
        const next = await request(agent);
        expect(next.status).toBe(200);
        expect(told(next)).toEqual([{ policy: 'client', limit: 500, remaining: 487 }]);
      }
    });

    test('cannot be spent by others who name it', async () => {
      const agent = await registerAgent(server);
      await spend(7, () =>
        postForm(
          server,
          TOKEN_PATH,
          { grant_type: 'client_credentials' },
          { ...basic(agent.clientId, 'guess'), ...elsewhere() },
        ),
      );
      expect(told(await ask(agent))).toMatchObject([{ policy: 'client', remaining: 11 }]);
    });

    test('cannot be spent by others who name it when it is public, either', async () => {
      const made = await registerAgent(server, {
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'none',
      });
      const form = {
        grant_type: 'authorization_code',
        client_id: made.clientId,
        code: 'x',
        redirect_uri: CALLBACK,
      };
      const attacker = elsewhere();
      const answers = await spend(13, () => postForm(server, TOKEN_PATH, form, attacker));
      expectTooMany(answers[12] as Answer, 'client');
      const own = await postForm(server, TOKEN_PATH, form, elsewhere());
      expect(own.body.error).toBe('invalid_grant');
      expect(told(own)).toMatchObject([{ policy: 'client', remaining: 11 }]);
    });

    test('are another’s for a resource server', async () => {
      const api = await registerResourceServer(server);
      const introspect = () => postForm(server, '/api/oauth/introspect', { token: 'x' }, api.headers);
      const answers = await spend(41, introspect);
      expect(told(answers[0] as Answer)).toEqual([{ policy: 'resource-server', limit: 40, remaining: 39 }]);
      expect(answers[39]?.body).toEqual({ active: false });
      expectTooMany(answers[40] as Answer, 'resource-server');
    });

    test('hold for its tokens at /userinfo', async () => {
      const agent = await registerAgent(server, {
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code', 'client_credentials'],
      });
      const browser = browserOf(server, await createPerson(server));
      const { token } = await authorize(server, { agent, browser, form: { scope: 'openid' } });
      const userinfo = () => send(server, '/api/oauth/userinfo', { headers: bearer(token) });
      const answers = await spend(12, userinfo);
      expect(told(answers[0] as Answer)).toEqual([{ policy: 'client', limit: 12, remaining: 10 }]);
      expect(answers[10]?.status).toBe(200);
      expectTooMany(answers[11] as Answer, 'client');
      expectTooMany(await ask(agent), 'client');
    });
  });

  test('are told to scripts of other origins', async () => {
    const answer = await postForm(
      server,
      TOKEN_PATH,
      { grant_type: 'client_credentials', ...pkce().parameters },
      { ...ADMIN.headers, origin: 'https://app.example.com' },
    );
    const exposed = (answer.headers.get('access-control-expose-headers') ?? '').split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-RateLimit-Remaining']),
    );
  });
});
