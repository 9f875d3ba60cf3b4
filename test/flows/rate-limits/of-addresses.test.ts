import { describe, expect, test } from '@jest/globals';
import { connectRaw } from '../../faults/raw-connection.ts';
import { adminToken, asAdmin, pkce, registerAgent, registerResourceServer } from '../../support/parties.ts';
import { type Answer, bearer, postForm, send } from '../../support/requests.ts';
import { auditEvents, eventually, TOKEN_PATH } from '../../support/token-requests.ts';
import { limitedServer, elsewhere, spend } from './limited-server.ts';
import { told, expectTooMany, OAUTH_TOO_MANY } from './told.ts';

describe.each(['sqlite', 'postgres'] as const)('limits on %s', (database) => {
  const server = limitedServer(database);

  describe('of an address', () => {
    test('hold for what comes without a client: metadata, pages, our API, what is not there', async () => {
      const from = elsewhere();
      const get = (path: string) => send(server, path, { headers: from });
      const paths = [
        '/.well-known/oauth-authorization-server',
        '/.well-known/oauth-protected-resource',
        '/api/oauth/jwks',
        '/api/oauth/authorize?client_id=x',
        '/interaction/x',
        '/openapi.json',
        '/permissions/list',
        '/api/tasks/x',
        '/nothing/here',
        '/api/oauth/token',
      ];
      const left: number[] = [];
      for (const path of paths) {
        const [source, ...others] = told(await get(path));
        expect([path, source?.policy, source?.limit, others]).toEqual([path, 'source', 20, []]);
        left.push(source?.remaining ?? -1);
      }
      expect(left).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
      await spend(10, () => get('/permissions/list'));

      for (const path of ['/openapi.json', '/permissions/list', '/nothing/here', '/api/tasks/x']) {
        const answer = await get(path);
        expectTooMany(answer, 'source');
        expect(answer.body).toMatchObject({ code: 'rate_limited', policy: 'source' });
      }
      for (const path of ['/.well-known/oauth-authorization-server', '/api/oauth/jwks', '/api/oauth/token']) {
        const answer = await get(path);
        expectTooMany(answer, 'source');
        expect(answer.body).toEqual(OAUTH_TOO_MANY);
      }
      for (const path of ['/api/oauth/authorize?client_id=x', '/interaction/x', '/api/oauth/logout']) {
        const page = await get(path);
        expectTooMany(page, 'source');
        expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(page.text).toContain('<h1>Too many requests</h1>');
      }
      for (const path of ['/health/live', '/health/ready', '/health']) {
        const probe = await get(path);
        expect([path, probe.status, probe.headers.get('ratelimit')]).toEqual([path, 200, null]);
      }
      // Who has proved who they are is not held up by strangers behind the same address.
      const agent = await registerAgent(server);
      const good = { grant_type: 'client_credentials', ...pkce().parameters };
      expect((await postForm(server, TOKEN_PATH, good, { ...agent.headers, ...from })).status).toBe(200);
      expect((await send(server, '/permissions/list', { headers: elsewhere() })).status).toBe(200);
    });

    test('do not count what load balancers ask, whatever it brings along, and hold for whatever else is tried there', async () => {
      const from = elsewhere();
      const probes = ['/health/live', '/health/ready', '/health'] as const;
      for (const [i, path] of [...probes, ...probes, ...probes].entries()) {
        const headers = i < 6 ? from : { ...from, ...bearer('no-token'), dpop: 'no proof' };
        const method = i % 2 === 0 ? 'GET' : 'HEAD';
        expect((await send(server, path, { method, headers })).status).toBe(200);
      }
      expect(told(await send(server, '/openapi.json', { headers: from }))[0]?.remaining).toBe(19);
      const refused = [
        ['POST', '/health/live', 405],
        ['GET', '/health/live/', 404],
        ['GET', '/health/ready?a=%ff', 400],
      ] as const;
      for (const [i, [method, path, status]] of refused.entries()) {
        const answer = await send(server, path, { method, headers: from });
        expect([path, answer.status, told(answer)[0]?.remaining]).toEqual([path, status, 18 - i]);
      }
      await spend(20, () => send(server, '/health/live', { method: 'POST', headers: from }));
      expect((await send(server, '/health/ready', { headers: from })).status).toBe(200);
      expectTooMany(await send(server, '/health/live', { method: 'POST', headers: from }), 'source');
    });

    test('hold for what is refused by its spelling or its method, too', async () => {
      const from = elsewhere();
      const asked = [
        ['GET', '/health//live'],
        ['GET', '/api/tasks/x/'],
        ['GET', '/api/tasks/%5Cx'],
        ['OPTIONS', '/interaction/x'],
      ] as const;
      for (const [i, [method, path]] of [...asked, ...asked, ...asked, ...asked, ...asked].entries()) {
        const answer = await send(server, path, { method, headers: from });
        expect([path, answer.status]).toEqual([path, method === 'GET' ? 404 : 405]);
        expect(told(answer)).toEqual([{ policy: 'source', limit: 20, remaining: 19 - i }]);
      }
      for (const [method, path] of asked) {
        expectTooMany(await send(server, path, { method, headers: from }), 'source');
      }
    });

    test('hold for targets that are no path, and no URL either', async () => {
      const connection = await connectRaw(server.address);
      const fields = Object.entries({ host: 'a', ...elsewhere() }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      const ask = (target: string, ...more: string[]) =>
        connection.write(`${[`GET ${target} HTTP/1.1`, ...fields, ...more].join('\r\n')}\r\n\r\n`);
      for (const target of ['http://[a/', 'http://evil.example/health', '*', '//[']) ask(target);
      ask('/health#', 'connection: close');
      expect(await connection.ended).toBe('in order');
      const answers = connection.answers().map(({ status, head, body }) => ({
        status,
        code: JSON.parse(body).code,
        left: /^ratelimit: "source";r=(\d+)/im.exec(head)?.[1],
      }));
      const refused = { status: 400, code: 'request_target_invalid' };
      expect(answers).toEqual(['19', '18', '17', '16', '15'].map((left) => ({ ...refused, left })));
    });

    test('are on record as refusals', async () => {
      const from = elsewhere();
      await spend(21, () => send(server, '/nothing/here', { headers: from }));
      const [event] = await eventually(
        async () => {
          const events = await auditEvents(server, { event_type: 'request_refused' });
          return events.filter(
            ({ source_ip }: { source_ip: string }) => source_ip === from['x-forwarded-for'],
          );
        },
        (events) => events.length > 0,
      );
      expect(event).toMatchObject({
        reason: 'rate_limited',
        actor: null,
        details: { status: 429, policy: 'source' },
      });
    });

    test('hold for requests that break off before it is known who asks', async () => {
      const headers = elsewhere();
      const answers = await spend(21, () => send(server, TOKEN_PATH, { method: 'POST', headers, body: '' }));
      expect(answers.slice(0, 20).map(({ status }) => status)).toEqual(Array(20).fill(400));
      expectTooMany(answers[20] as Answer, 'source');
    });

    test('hold for access tokens that are refused, at our API and at /userinfo together', async () => {
      const headers = { ...bearer('no.such.token'), ...elsewhere() };
      const paths = ['/api/tasks/x', '/api/oauth/userinfo', '/api/admin/tokens', '/api/oauth/userinfo'];
      for (const path of paths) expect((await send(server, path, { headers })).status).toBe(401);
      for (const path of paths) expectTooMany(await send(server, path, { headers }), 'refused-token');
      const good = { ...headers, ...bearer(await adminToken(server)) };
      expectTooMany(await send(server, '/api/admin/tokens', { headers: good }), 'refused-token');
      expect((await asAdmin(server, 'GET', '/api/admin/tokens')).status).toBe(200);
    });

    test('that tokens have exhausted do not hold for who follows the ledger with credentials of its own', async () => {
      const from = elsewhere();
      const api = await registerResourceServer(server);
      const stranger = { ...from, ...bearer('no.such.token') };
      await spend(5, () => send(server, '/api/tasks/x', { headers: stranger }));
      const follow = (headers: Record<string, string>) =>
        send(server, '/api/revocations', { headers: { ...from, ...headers } });
      expect(told(await follow(api.headers))).toMatchObject([{ policy: 'resource-server' }]);
      expectTooMany(await follow(bearer(await adminToken(server))), 'refused-token');
    });
  });
});
