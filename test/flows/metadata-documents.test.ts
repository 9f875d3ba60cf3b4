import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authorizationUrl } from '../support/code-flow.ts';
import { pkce } from '../support/parties.ts';
import { postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, eventually, TOKEN_PATH } from '../support/token-requests.ts';

const REGISTRATIONS = 3;

/** Whoever has a host has as many URLs as there are. */
function documentAt(url: string): Response {
  return Response.json({
    client_id: url,
    client_name: 'An editor',
    redirect_uris: ['http://localhost/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
}

describe('clients that name themselves by their metadata documents', () => {
  let server: TestServer;
  const fetchedFor: unknown[] = [];
  beforeAll(async () => {
    server = await startServer({
      fetch: async (input, _init, party) => {
        fetchedFor.push(party);
        // Long enough for those who come at once to wait for the same document.
        await setTimeout(20);
        return documentAt(input instanceof Request ? input.url : input.toString());
      },
      env: { TRUST_PROXY: '1' },
      settings: { limits: { anonymous: 20, registrations: REGISTRATIONS } },
    });
  });
  afterAll(() => server.stop());

  const redeem = (clientId: string, from = '203.0.113.1') =>
    postForm(
      server,
      TOKEN_PATH,
      {
        grant_type: 'authorization_code',
        code: 'none',
        client_id: clientId,
        code_verifier: pkce().verifier,
        redirect_uri: 'http://localhost/callback',
      },
      { 'x-forwarded-for': from },
    );
  const agents = async () => {
    const { items } = await server.taskgrant.context.store.agents.search({ kind: 'agent' }, { limit: 200 });
    return items.filter(({ clientId }) => clientId.startsWith('https://'));
  };

  /** What is on record of an address, once there is anything. */
  const refusalsOf = ({ 'x-forwarded-for': address }: { 'x-forwarded-for': string }) =>
    eventually(
      async () =>
        (await auditEvents(server, { status: 'refused', limit: '200' })).filter(
          (event: { source_ip: string }) => event.source_ip === address,
        ),
      (events) => events.length > 0,
    );

  test('each is a registration', async () => {
    const answers = [];
    for (let i = 0; i < 30; i += 1) {
      answers.push(await redeem(`https://stranger.example.com/${i}.json`));
    }
    expect(await agents()).toHaveLength(REGISTRATIONS);
    expect(answers.slice(0, 3).map(({ status }) => status)).toEqual([400, 400, 400]);
    for (const { status, headers } of answers.slice(3)) {
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // Those that are known go on, and others elsewhere may come.
    expect((await redeem('https://stranger.example.com/0.json')).status).toBe(400);
    expect((await redeem('https://stranger.example.com/new.json', '203.0.113.2')).status).toBe(400);
  });

  test('each is one at the authorization endpoint too, where people are told so, and it is on record once', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.3' };
    const authorize = (clientId: string) => {
      const asked = { redirect_uri: 'http://localhost/callback', ...pkce().parameters };
      return send(server, authorizationUrl(server, { clientId }, asked).href, { headers });
    };
    for (let i = 0; i < REGISTRATIONS; i += 1) {
      expect((await authorize(`https://visitor.example.com/${i}.json`)).status).toBe(303);
    }
    const page = await authorize('https://visitor.example.com/new.json');
    expect(page.status).toBe(429);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refusalsOf(headers)).toMatchObject([
      { reason: 'rate_limited', details: { policy: 'registration' } },
    ]);
  });

  test('each is one where people sign out, and that is on record once', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.4', accept: 'text/html' };
    const signOut = (name: string) => {
      const clientId = encodeURIComponent(`https://leaver.example.com/${name}.json`);
      return send(server, `/api/oauth/logout?client_id=${clientId}`, { headers });
    };
    for (let i = 0; i < REGISTRATIONS; i += 1) expect((await signOut(String(i))).status).toBe(200);
    const page = await signOut('new');
    expect(page.status).toBe(429);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    await refusalsOf(headers);
    // Whatever else is recorded of it comes a moment later.
    await setTimeout(200);
    expect(await refusalsOf(headers)).toMatchObject([
      { reason: 'rate_limited', details: { policy: 'registration' } },
    ]);
  });

  test('one that comes several times at once is registered once, and nobody is told of a failure', async () => {
    const clientId = 'https://editor.example.com/client.json';
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => redeem(clientId, `203.0.113.${10 + i}`)),
    );
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      Array(8).fill([400, 'invalid_grant']),
    );
    expect((await agents()).filter((agent) => agent.clientId === clientId)).toHaveLength(1);
  });

  test('are fetched for whoever asks, so that nobody keeps all others waiting', async () => {
    fetchedFor.length = 0;
    for (const from of ['198.51.100.7', '2001:db8:1:2:3:4:5:6']) {
      expect((await redeem(`https://asker.example.com/${encodeURIComponent(from)}.json`, from)).status).toBe(
        400,
      );
    }
    expect(fetchedFor).toEqual(['198.51.100.7', '2001:db8:1:2']);
  });
});
