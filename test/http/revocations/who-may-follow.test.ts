import { describe, expect, test } from '@jest/globals';
import { caughtUp } from '../../support/feed-follower.ts';
import { administer, adminToken, registerResourceServer } from '../../support/parties.ts';
import { basic, bearer, send } from '../../support/requests.ts';
import { auditEvents, open } from '../../support/token-requests.ts';
import { handleOf, revocationsScene } from './scene.ts';

const { on, follow, page, endTask, aRevokedTask } = revocationsScene();

describe('who may follow', () => {
  const paths = ['/api/revocations', '/api/revocations/stream'];

  test.each(paths)('%s: nobody without credentials', async (path) => {
    const answer = await send(on.server, path);
    expect(answer).toMatchObject({ status: 401, body: { code: 'token_required' } });
    expect(answer.headers.get('www-authenticate')).toBe(
      'Basic realm="taskgrant", charset="UTF-8", Bearer scope="admin:read"',
    );
  });

  test.each(paths)('%s: an agent is authenticated, and may not', async (path) => {
    const answer = await send(on.server, path, { headers: on.agent.headers });
    expect(answer).toMatchObject({ status: 403, body: { code: 'unauthorized_client' } });
  });

  test.each(paths)('%s: a token needs admin:read, for the server’s own API', async (path) => {
    const task = await open(on.server, on.agent);
    const answer = await send(on.server, path, { headers: bearer(task.token) });
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  test('an administrator with admin:read', async () => {
    const headers = bearer(await adminToken(on.server));
    await aRevokedTask();
    expect((await page('', headers)).revocations.length).toBeGreaterThan(0);
    const follower = await follow('', headers);
    await follower.until(caughtUp);
    await follower.close();
  });

  test('credentials may be form-urlencoded, as RFC 6749 asks', async () => {
    const encode = (text: string) => text.replaceAll(/[-_]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
    const headers = basic(encode(on.api.clientId), encode(on.api.clientSecret));
    expect(headers).not.toEqual(on.api.headers);
    await page('', headers);
  });

  test('a wrong secret is refused, recorded, and after some not even looked at', async () => {
    const wrong = basic('api-of-somebody', 'wrong');
    const answers = [];
    for (let i = 0; i < 7; i += 1)
      answers.push(await send(on.server, '/api/revocations', { headers: wrong }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(answers[0]?.body).toMatchObject({ code: 'invalid_client' });
    const [recorded] = await auditEvents(on.server, { event_type: 'client_authentication_failed' });
    expect(recorded).toMatchObject({ status: 'refused', details: { route: '/api/revocations' } });
    expect(JSON.stringify(recorded)).not.toContain('wrong');
    // Another client at the same address is let in.
    await page();
  });

  test.each(['', 'Basic', 'Basic !!!', `Basic ${btoa('no colon')}`, `Basic ${btoa('a%zz:b')}`])(
    'Authorization: %s proves nothing',
    async (authorization) => {
      expect((await send(on.server, '/api/revocations', { headers: { authorization } })).status).toBe(401);
    },
  );

  test('each opening of a stream counts for the client, not for its address', async () => {
    const follower = await follow();
    expect(follower.headers.get('ratelimit-policy')).toMatch(/^"resource-server"/);
    await follower.close();
  });

  test('a resource server that is deleted is told so, and no more', async () => {
    const gone = await registerResourceServer(on.server);
    const follower = await follow('', gone.headers);
    await follower.until(caughtUp);
    await administer(on.server, 'DELETE', `/api/admin/resource-servers/${gone.clientId}`);
    expect(await follower.over).toBe('end');
    expect(follower.rows().at(-1)).toEqual([expect.any(Number), 'agent', gone.clientId, 1]);
    expect((await follow('', gone.headers)).status).toBe(401);
  });

  test('a stream ends with the token that it was opened with', async () => {
    const admin = await administer(on.server, 'POST', '/api/agents/register', {
      agent_name: 'Auditor',
      permissions: ['admin:read'],
    });
    await administer(on.server, 'POST', '/api/agents/activate', {
      registration_token: admin.credentials.registration_token,
    });
    const { client_id: clientId, client_secret: clientSecret } = admin.credentials;
    const auditor = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
    const task = await open(on.server, auditor, {
      resource: on.server.apiAudience,
      scope: 'admin:read',
    });
    const follower = await follow('', bearer(task.token));
    await follower.until(caughtUp);
    await endTask(task);
    expect(await follower.over).toBe('end');
    expect(follower.rows().at(-1)?.[2]).toBe(handleOf(task));
  });
});
