import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, createPerson, registerAgent, registerResourceServer } from '../support/parties.ts';
import { bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { derive, introspect, open, type OpenTask } from '../support/token-requests.ts';

/** Cause: CVE-2026-55689, where an audience that was left out switched the check of the audience off. */
let server: TestServer;
let agent: AgentParty;
let browser: BrowserSession;

const GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:token-exchange',
];

beforeAll(async () => {
  server = await startServer();
  const permissions = ['reports:read', 'example:read', 'admin:read', 'admin:write'];
  agent = await registerAgent(server, { permissions, redirect_uris: [CALLBACK], grant_types: GRANTS });
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

const visit = (path: string, { token, taskId }: OpenTask) =>
  send(server, path, { headers: { ...bearer(token), 'x-task-id': taskId } });

describe('a token for another audience, or for none', () => {
  test('is refused by our own APIs, whatever rights it holds', async () => {
    const elsewhere = await registerResourceServer(server);
    const foreign = await open(server, agent, {
      resource: elsewhere.audience,
      scope: 'admin:read admin:write',
    });
    const unnamed = await open(server, agent, { scope: 'example:read' });
    const identity = await authorize(server, { agent, browser, form: { scope: 'openid' } });
    for (const task of [foreign, identity])
      expect((await visit('/api/oauth/protected', task)).status).toBe(401);
    for (const task of [foreign, unnamed, identity])
      expect((await visit('/api/admin/tokens', task)).status).toBe(401);
    expect((await visit('/api/oauth/protected', unnamed)).status).toBe(200);
  });

  test('is nothing that a resource server may see', async () => {
    const [api, another] = [await registerResourceServer(server), await registerResourceServer(server)];
    const foreign = await open(server, agent, { resource: another.audience, scope: 'reports:read' });
    const unnamed = await open(server, agent);
    const identity = await authorize(server, { agent, browser, form: { scope: 'openid' } });
    for (const { token } of [foreign, unnamed, identity])
      expect(await introspect(server, api, token)).toEqual({ active: false });
  });

  test('always has exactly one audience when it is a JWT, also where none was named', async () => {
    const unnamed = await open(server, agent);
    const child = await derive(server, unnamed);
    for (const { token } of [unnamed, child]) {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims.aud).toBe(server.defaultAudience);
    }
  });
});
