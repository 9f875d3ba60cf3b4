import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { removeExpired } from '../../src/app/remove-expired.ts';
import { connect } from '../../src/store/database.ts';
import { registerWithKey, verify } from '../support/agent-auth.ts';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import { administer, createPerson, registerAgent, registerResourceServer } from '../support/parties.ts';
import { bearer, postJson } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { open } from '../support/token-requests.ts';
import { onEveryDatabase } from './nodes.ts';

const TEN_YEARS_MS = 10 * 365 * 86_400_000;
const RETENTION = { auditDays: 365, tasksDays: 90, tokensDays: 30, webhooksDays: 30 };
onEveryDatabase('what was deleted', (nodes) => {
  let server: TestServer;
  let db: Knex;
  beforeAll(() => {
    server = nodes().front;
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  async function tables(): Promise<string[]> {
    const names = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'";
    const rows: { name: string }[] =
      db.client.config.client === 'pg'
        ? (await db.raw(names)).rows
        : await db.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    return rows.map(({ name }) => name).filter((name) => !name.startsWith('knex_'));
  }

  /** What was deleted, and the tables that may name it for ever. */
  const deleted = new Map<string, readonly string[]>();

  async function naming(id: string): Promise<string[]> {
    const named: string[] = [];
    for (const table of await tables()) {
      const rows = (await db(table).select()) as object[];
      if (rows.some((row) => JSON.stringify(row).includes(id))) named.push(table);
    }
    return named.sort();
  }

  test('an agent leaves its record with the roles that it had', async () => {
    const party = await registerWithKey(server);
    const role = { name: 'reader-of-examples', description: 'Reads', permissions: ['example:read'] };
    await administer(server, 'POST', '/api/admin/roles', role);
    await administer(server, 'PUT', `/api/admin/roles/${role.name}/agents/${party.agentId}`);
    const { body } = await verify(server, party);
    const hook = { url: 'https://example.com/hook', events: ['*'] };
    const made = await postJson(server, '/webhooks', hook, bearer(body.token.access_token));
    await administer(server, 'POST', `/webhooks/${made.body.webhook.id}/test`);
    await administer(server, 'DELETE', `/webhooks/${made.body.webhook.id}`);
    await administer(server, 'DELETE', `/api/agents/${party.agentId}`);
    deleted.set(party.agentId, ['agents', 'role_assignments']);
  });

  test('a client of people leaves its record alone', async () => {
    const { body: made } = await postJson(server, '/api/oauth/register', {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const headers = { authorization: `Basic ${btoa(`${made.client_id}:${made.client_secret}`)}` };
    const agent = { clientId: made.client_id, clientSecret: made.client_secret, headers };
    const browser = browserOf(server, await createPerson(server));
    await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    await administer(server, 'DELETE', `/api/agents/${agent.clientId}`);
    deleted.set(agent.clientId, ['agents']);
  });

  test('a resource server leaves its record alone, and nobody of its name goes on where it was', async () => {
    const api = await registerResourceServer(server);
    const task = await open(server, await registerAgent(server));
    await administer(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {});
    const poll = (body: object) => postJson(server, '/api/revocations/poll', body, api.headers);
    const { sets } = (await poll({ returnImmediately: true })).body;
    await poll({ maxEvents: 0, ack: Object.keys(sets) });
    const position = () => db('event_receivers').where({ client_id: api.clientId });
    expect(await position()).toHaveLength(1);
    await administer(server, 'DELETE', `/api/admin/resource-servers/${api.clientId}`);
    await server.taskgrant.store.eventReceivers.advance(api.clientId, 1, server.clock.now());
    expect(await position()).toEqual([]);
    deleted.set(api.clientId, ['agents']);
  });

  test('a role that gets the name of another one is nobody’s', async () => {
    const agent = await registerAgent(server);
    const role = { name: 'used-twice', description: 'Reads', permissions: ['files:read'] };
    const at = `/api/admin/roles/${role.name}`;
    await administer(server, 'POST', '/api/admin/roles', role);
    await administer(server, 'PUT', `${at}/agents/${agent.clientId}`);
    await administer(server, 'DELETE', at);
    expect(await naming(role.name)).toEqual(['audit_events']);
    await administer(server, 'POST', '/api/admin/roles', role);
    const { roles, effective_permissions: rights } = await administer(
      server,
      'GET',
      `/api/agents/${agent.clientId}`,
    );
    expect({ roles, may: rights.includes('files:read') }).toEqual({ roles: [], may: false });
  });

  test('a permission of the catalogue leaves nothing', async () => {
    const permission = 'left:behind:read';
    await administer(server, 'POST', '/api/admin/permissions', { permission, description: 'Read' });
    await administer(server, 'DELETE', `/api/admin/permissions/${permission}`);
    deleted.set(permission, []);
  });

  test('is named nowhere else when retention is over', async () => {
    // The last row of the ledger stays in any case.
    const other = await open(server, await registerAgent(server));
    await administer(server, 'POST', `/api/tasks/${other.taskId}/revoke`, {});
    const clock = { now: () => server.clock.now() + TEN_YEARS_MS };
    const { cleanup } = server.taskgrant.store;
    await removeExpired({ clock, cleanup, retention: RETENTION });
    for (const [id, kept] of deleted) expect([id, await naming(id)]).toEqual([id, kept]);
  });
});
