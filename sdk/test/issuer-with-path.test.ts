import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAdmin } from '@taskgrant/sdk/admin';
import { createAgent } from '@taskgrant/sdk/agent';
import { type Guard, protect } from '@taskgrant/sdk/resource';
import {
  ADMIN_CLIENT,
  ADMIN_CLIENT_SECRET,
  startServer,
  type TestServer,
} from '../../test/support/server.ts';

const ISSUER = 'https://auth.example.com/tenant';
const AUDIENCE = 'https://api.example.com';

let server: TestServer;
/** Closed also where a test waits for it in vain. */
const guards: Guard[] = [];
beforeAll(async () => {
  server = await startServer({ env: { ISSUER } });
});
afterAll(async () => {
  for (const guard of guards) guard.close();
  await server.stop();
});

/** The host of the issuer: a proxy that leaves the paths of the server as they are. */
const proxied: typeof fetch = (input, init) => {
  const { href } = new URL(input instanceof Request ? input.url : input);
  return fetch(href.replace('https://auth.example.com', server.address), init);
};

test('a server whose issuer has a path is found at the root of its host', async () => {
  const secret = { clientId: ADMIN_CLIENT, clientSecret: ADMIN_CLIENT_SECRET };
  const admin = createAdmin({ issuer: ISSUER, fetch: proxied, ...secret });
  const registered = await admin.resourceServers.register({ name: 'Nested', audiences: [AUDIENCE] });
  const asAgent = await admin.agents.register({ agentName: 'Nested', permissions: ['example:read'] });

  const { client_id: clientId, client_secret: clientSecret, registration_token: token } = asAgent.credentials;
  const agent = createAgent({ issuer: ISSUER, clientId, clientSecret, fetch: proxied });
  await agent.activate(token);
  const task = await agent.task({ audience: AUDIENCE, scope: 'example:read' });

  const api = registered.credentials;
  const guard = protect({
    issuer: ISSUER,
    audience: AUDIENCE,
    credentials: { clientId: api.client_id, clientSecret: api.client_secret },
    fetch: proxied,
  });
  guards.push(guard);
  await guard.ready();
  const { access_token: presented } = task.answer;
  const headers = { authorization: `Bearer ${String(presented)}` };
  const verdict = await guard.authenticate({ method: 'GET', url: AUDIENCE, headers });
  expect(verdict).toMatchObject({ access: { task: { id: task.id } } });
  await agent.close();
  await admin.close();
});
