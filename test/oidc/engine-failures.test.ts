import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pkce, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, clientCredentials, eventually } from '../support/token-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('a failure within the engine says nothing to the client and everything to the log and the audit trail', async () => {
  const agent = await registerAgent(server);
  const { store } = server.taskgrant;
  const broken = jest
    .spyOn(store.resourceServers, 'byAudience')
    .mockRejectedValue(new Error('the disk is full'));
  const { status, headers, body } = await clientCredentials(server, agent, pkce().parameters);
  broken.mockRestore();
  expect({ status, error: body.error }).toEqual({ status: 500, error: 'server_error' });
  expect(JSON.stringify(body)).not.toContain('disk');
  const id = headers.get('x-request-id') ?? 'none';
  const logged = await eventually(
    async () => readFileSync(join(server.logDir, 'error.log'), 'utf8'),
    (text) => text.includes(id),
  );
  expect(logged).toContain('the disk is full');
  const [event] = await auditEvents(server, { event_type: 'server_error' });
  expect(event).toMatchObject({ status: 'error', request_id: id });
});

test.each([
  ['a page', 'text/html'],
  ['JSON', 'application/json'],
])('a sign-out that is refused with %s is in the audit trail, once', async (_what, accept) => {
  const path = `/api/oauth/logout?id_token_hint=${encodeURIComponent(`hint for ${accept}`)}`;
  const { status, headers } = await send(server, path, { headers: { accept } });
  expect(status).toBe(400);
  const id = headers.get('x-request-id');
  const events = await eventually(
    async () => auditEvents(server, { event_type: 'request_refused' }),
    (found) => found.some(({ request_id }: { request_id: string }) => request_id === id),
  );
  expect(events.filter(({ request_id }: { request_id: string }) => request_id === id)).toMatchObject([
    { status: 'refused', details: { path: '/api/oauth/logout' } },
  ]);
});
