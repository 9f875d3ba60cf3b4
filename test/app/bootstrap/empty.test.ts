import { describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../../src/app/bootstrap/bootstrap.ts';
import { verifyCredentials } from '../../../src/app/users/sign-in.ts';
import { ADMIN_AUDIENCE, CALLER, createTestContext } from '../../support/app-context.ts';
import { createDatabase } from '../../support/postgres.ts';
import { CONFIGURED, emptyServers, PASSWORD, SECRET } from './empty-servers.ts';

const empty = emptyServers();

describe('starting an empty server', () => {
  test('makes up what was not configured, once', async () => {
    const { context, store } = await empty();
    const nothing = { allowGenerate: true, exampleServers: [], scopes: [] };
    const first = await bootstrap(context, nothing);
    expect(first.administrator?.email).toBe('admin@localhost');
    expect(first.adminClient?.clientId).toBe('taskgrant-admin');
    expect(await bootstrap(context, nothing)).toEqual({});
    const signedIn = await verifyCredentials(context, { caller: CALLER, ...first.administrator! });
    expect(signedIn.user?.permissions).toContain('admin:*');
    const [secret] = await store.agents.secrets('taskgrant-admin', context.clock.now());
    expect(secret?.digest).toBe(context.digests.sha256(first.adminClient!.clientSecret));
  });

  test('creates nobody when nothing is configured and nothing may be made up', async () => {
    const { context, store } = await empty();
    expect(await bootstrap(context, { allowGenerate: false, exampleServers: [], scopes: [] })).toEqual({});
    expect(await store.users.count()).toBe(0);
    expect(await store.agents.byId('taskgrant-admin')).toBeUndefined();
  });

  test('uses what is configured, shows nothing and keeps no secret in clear', async () => {
    const { context, store } = await empty();
    expect(await bootstrap(context, CONFIGURED)).toEqual({});
    const admin = await store.agents.byId('taskgrant-admin');
    expect(admin).toMatchObject({
      state: 'active',
      permissions: ['admin:read', 'admin:write'],
      defaultScope: ['admin:read', 'admin:write'],
      audiences: [ADMIN_AUDIENCE],
    });
    expect((await store.resourceServers.byAudience(ADMIN_AUDIENCE))?.clientId).toBe('taskgrant-api');
    expect((await store.resourceServers.byAudience('https://api.example.com'))?.clientId).toBe('rs_example');
    const user = await store.users.byEmail('root@example.com');
    expect(user).toMatchObject({ permissions: ['admin:*', 'tasks:*', 'example:read'] });
    const events = await store.audit.search({}, { limit: 100 });
    expect(JSON.stringify([admin, user, events])).not.toContain(SECRET);
    expect(JSON.stringify([admin, user, events])).not.toContain(PASSWORD);
  });

  test('nodes that start at once agree, and only one shows what it made up', async () => {
    const { context, store } = await empty();
    const options = {
      ...CONFIGURED,
      adminEmail: undefined,
      adminPassword: undefined,
      adminClientSecret: undefined,
    };
    const nodes = await Promise.all(
      Array.from({ length: 6 }, () => bootstrap(context, { ...options, allowGenerate: true })),
    );
    expect(nodes.filter(({ administrator }) => administrator)).toHaveLength(1);
    expect(nodes.filter(({ adminClient }) => adminClient)).toHaveLength(1);
    expect(await store.users.count()).toBe(1);
    expect(await store.agents.secrets('taskgrant-admin', context.clock.now())).toHaveLength(1);
    expect(await store.resourceServers.all()).toHaveLength(2);
  });
});

describe('an administrator of a server that knows very many rights', () => {
  test('may delegate all of them', async () => {
    const { context, store } = await empty();
    const scopes = Array.from({ length: 150 }, (_, i) => `reports-${i}:read`);
    await bootstrap(context, { ...CONFIGURED, scopes });
    const user = await store.users.byEmail('root@example.com');
    expect(user?.permissions).toEqual(['admin:*', 'tasks:*', ...scopes]);
  });
});

describe('nodes on one PostgreSQL that start at once', () => {
  test('make one administrator, one client and one resource server of each', async () => {
    const database = await createDatabase('nothing');
    const nodes = await Promise.all(
      Array.from({ length: 3 }, () => createTestContext({ bootstrapped: false, databaseUrl: database.url })),
    );
    const made = { allowGenerate: true, exampleServers: CONFIGURED.exampleServers, scopes: [] };
    const results = await Promise.all(nodes.map(({ context }) => bootstrap(context, made)));
    expect(results.filter(({ administrator }) => administrator)).toHaveLength(1);
    expect(results.filter(({ adminClient }) => adminClient)).toHaveLength(1);
    const changed = { ...made, adminClientSecret: SECRET };
    await Promise.all(nodes.map(({ context }) => bootstrap(context, changed)));
    const { store, clock } = nodes[0]!;
    expect(await store.agents.byId('taskgrant-admin')).toMatchObject({ epoch: 1 });
    expect(await store.agents.secrets('taskgrant-admin', clock.now())).toHaveLength(1);
    expect(await store.counts(clock.now())).toMatchObject({ users: 1, resourceServers: 2 });
    for (const node of nodes) await node.close();
    await database.drop();
  });
});
