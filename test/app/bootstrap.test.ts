import { afterEach, describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../src/app/bootstrap/bootstrap.ts';
import type { BootstrapOptions } from '../../src/app/bootstrap/bootstrap-options.ts';
import type { Store } from '../../src/app/ports.ts';
import { changeUserState } from '../../src/app/users/change-user-state.ts';
import { registerResourceServer } from '../../src/app/resource-servers/register-resource-server.ts';
import { deleteResourceServer } from '../../src/app/resource-servers/delete-resource-server.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { verifyCredentials } from '../../src/app/users/sign-in.ts';
import { createDatabase } from '../support/postgres.ts';
import { ADMIN_AUDIENCE, CALLER, createTestContext, type TestContext } from '../support/app-context.ts';

const opened: TestContext[] = [];

async function empty(settings = {}): Promise<TestContext> {
  const made = await createTestContext({ bootstrapped: false, settings });
  opened.push(made);
  return made;
}

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

const SECRET = 'a-secret-that-the-operator-has-chosen-01';
const PASSWORD = 'a password that the operator chose';

const CONFIGURED: BootstrapOptions = {
  adminEmail: 'Root@Example.com',
  adminPassword: PASSWORD,
  adminClientSecret: SECRET,
  allowGenerate: false,
  exampleServers: [
    { name: 'example', audiences: ['https://api.example.com'], scopes: ['example:read'], tokenFormat: 'jwt' },
  ],
  scopes: ['example:read'],
};

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

describe('a start that is refused', () => {
  const [declared] = CONFIGURED.exampleServers;

  test.each<[string, Partial<BootstrapOptions>]>([
    ['an address that is none', { adminEmail: 'admin@-x.example' }],
    ['a password that is too long', { adminEmail: 'root@example.com', adminPassword: 'x'.repeat(257) }],
    ['an audience that is none', { exampleServers: [declared!, { ...declared!, audiences: ['ftp://x'] }] }],
  ])('for %s has written nothing and prepared nothing', async (_, wrong) => {
    const { context, store } = await empty();
    const options = { allowGenerate: true, exampleServers: CONFIGURED.exampleServers, scopes: [], ...wrong };
    let prepared = false;
    const prepare = async () => void (prepared = true);
    await expect(bootstrap(context, options, prepare)).rejects.toMatchObject({ code: 'parameter_invalid' });
    expect(prepared).toBe(false);
    expect(await store.agents.byId('taskgrant-admin')).toBeUndefined();
    expect(await store.resourceServers.all()).toEqual([]);
    expect((await store.audit.search({}, { limit: 10 })).items).toEqual([]);
  });

  test('because nothing could be prepared has written nothing', async () => {
    const { context, store } = await empty();
    const prepare = async () => Promise.reject(new Error('no key'));
    const options = { allowGenerate: true, exampleServers: [], scopes: [] };
    await expect(bootstrap(context, options, prepare)).rejects.toThrow('no key');
    expect(await store.agents.byId('taskgrant-admin')).toBeUndefined();
    expect(await store.resourceServers.all()).toEqual([]);
  });

  test('for an audience that belongs to somebody else leaves everything as it was', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const other = { name: 'Travel', audiences: ['https://travel.example'], scopes: null } as const;
    await registerResourceServer(context, { caller: CALLER, ...other, tokenFormat: 'jwt' });
    const before = await store.audit.search({}, { limit: 100 });
    const taken = {
      ...declared!,
      name: 'mine',
      audiences: ['https://mine.example', 'https://travel.example'],
    };
    const changed = { ...CONFIGURED, adminClientSecret: 'another-secret-of-the-operator-000000002' };
    await expect(
      bootstrap(context, { ...changed, exampleServers: [{ ...declared!, scopes: null }, taken] }),
    ).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('https://travel.example') });
    expect(await store.audit.search({}, { limit: 100 })).toEqual(before);
    expect(await store.resourceServers.byClientId('rs_example')).toMatchObject({ scopes: ['example:read'] });
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

describe('starting again', () => {
  test('with the same configuration writes nothing', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const before = await store.counts(context.clock.now());
    await bootstrap(context, CONFIGURED);
    expect(await store.counts(context.clock.now())).toEqual(before);
  });

  test('with another client secret ends the old one and everything issued under it', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const changed = { ...CONFIGURED, adminClientSecret: 'another-secret-of-the-operator-000000002' };
    await Promise.all([bootstrap(context, changed), bootstrap(context, changed)]);
    const valid = await store.agents.secrets('taskgrant-admin', context.clock.now());
    expect(valid.map(({ digest }) => digest)).toEqual([context.digests.sha256(changed.adminClientSecret)]);
    expect(await store.agents.byId('taskgrant-admin')).toMatchObject({ epoch: 1 });
    const rotated = await store.audit.search({ type: 'agent_secret_rotated' }, { limit: 10 });
    expect(rotated.items).toMatchObject([{ actor: 'system', reason: 'ADMIN_CLIENT_SECRET changed' }]);
  });

  test('with another password lets only the new one in', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const password = 'quite another password';
    await bootstrap(context, { ...CONFIGURED, adminPassword: password });
    const email = 'root@example.com';
    expect(await verifyCredentials(context, { caller: CALLER, email, password: PASSWORD })).toMatchObject({
      refusal: 'wrong_password',
    });
    const { user } = await verifyCredentials(context, { caller: CALLER, email, password });
    expect(user?.epoch).toBe(1);
    const updated = await store.audit.search({ type: 'user_updated' }, { limit: 10 });
    expect(updated.items).toMatchObject([{ actor: 'system', reason: 'ADMIN_PASSWORD changed' }]);
  });

  test('with a password for the administrator that was made up lets only that one in', async () => {
    const { context, store } = await empty();
    const nothing = { allowGenerate: true, exampleServers: [], scopes: [] };
    const { email, password } = (await bootstrap(context, nothing)).administrator!;
    const configured = { ...nothing, adminPassword: PASSWORD };
    expect(await bootstrap(context, configured)).toEqual({});
    const signIn = (tried: string) => verifyCredentials(context, { caller: CALLER, email, password: tried });
    expect(await signIn(password)).toMatchObject({ refusal: 'wrong_password' });
    expect(await signIn(PASSWORD)).toMatchObject({ user: { email, epoch: 1 } });
    await bootstrap(context, configured);
    const updated = await store.audit.search({ type: 'user_updated' }, { limit: 10 });
    expect(updated.items).toMatchObject([{ actor: 'system', reason: 'ADMIN_PASSWORD changed' }]);
  });

  test('with a password alone makes nobody up beside an administrator of another address', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const password = 'quite another password';
    const { adminEmail: _, ...rest } = CONFIGURED;
    await bootstrap(context, { ...rest, allowGenerate: true, adminPassword: password });
    expect(await store.users.count()).toBe(1);
    expect(await store.users.byEmail('root@example.com')).toMatchObject({ epoch: 0 });
  });

  test('with a larger scope catalogue lets the administrator delegate all of it', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    await bootstrap(context, { ...CONFIGURED, scopes: ['example:read', 'reports:read'] });
    expect((await store.users.byEmail('root@example.com'))?.permissions).toContain('reports:read');
  });

  test('leaves a disabled administrator disabled', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const { userId } = (await store.users.byEmail('root@example.com'))!;
    await changeUserState(context, { caller: CALLER, userId, to: 'disabled', reason: null });
    await bootstrap(context, CONFIGURED);
    expect(await store.users.byId(userId)).toMatchObject({ state: 'disabled' });
  });

  test('under another issuer moves the audiences along', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const adminAudience = 'https://new.example.com/api';
    const moved = { ...context, settings: { ...context.settings, adminAudience } };
    await bootstrap(moved, CONFIGURED);
    expect(await store.resourceServers.byAudience(ADMIN_AUDIENCE)).toBeUndefined();
    expect(await store.agents.byId('taskgrant-admin')).toMatchObject({ audiences: [adminAudience] });
  });

  test('follows what the configuration declares of resource servers', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const [declared] = CONFIGURED.exampleServers;
    const renamed = { ...declared!, name: 'Reports API', scopes: null, tokenFormat: 'opaque' } as const;
    await bootstrap(context, { ...CONFIGURED, exampleServers: [renamed] });
    expect(await store.resourceServers.byAudience('https://api.example.com')).toMatchObject({
      clientId: 'rs_example',
      name: 'Reports API',
      scopes: null,
      tokenFormat: 'opaque',
    });
  });

  test('brings back a declared resource server that was deleted', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    await deleteResourceServer(context, { caller: CALLER, clientId: 'rs_example', reason: null });
    await bootstrap(context, CONFIGURED);
    expect(await store.agents.byId('rs_example')).toMatchObject({ state: 'active', deletedAt: null });
    expect(await store.resourceServers.byClientId('rs_example')).toBeDefined();
  });

  test('has one that an older release deleted be told of what its predecessor has acknowledged', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    await store.eventReceivers.advance('rs_example', 7, context.clock.now());
    const older: Store = {
      ...context.store,
      commit: (unit) => {
        const changes = unit.changes.filter((change) => change.do !== 'delete_event_receiver');
        return store.commit({ ...unit, changes });
      },
    };
    const command = { caller: CALLER, clientId: 'rs_example', reason: null };
    await deleteResourceServer({ ...context, store: older }, command);
    expect(await store.eventReceivers.position('rs_example')).toBe(7);
    await bootstrap(context, CONFIGURED);
    expect(await store.eventReceivers.position('rs_example')).toBe(0);
  });

  test('gives an audience to the resource server that it is declared for, whose name decides which one it is', async () => {
    const { context, store } = await empty();
    const jwt = { scopes: null, tokenFormat: 'jwt' } as const;
    const [x, y] = ['https://x.example', 'https://y.example'];
    await bootstrap(context, { ...CONFIGURED, exampleServers: [{ name: 'one', audiences: [x], ...jwt }] });
    const exampleServers = [
      { name: 'one', audiences: [y], ...jwt },
      { name: 'two', audiences: [x], ...jwt },
    ];
    await bootstrap(context, { ...CONFIGURED, exampleServers });
    expect(await store.resourceServers.byAudience(y)).toMatchObject({ clientId: 'rs_one' });
    expect(await store.resourceServers.byAudience(x)).toMatchObject({ clientId: 'rs_two' });
    const turned = exampleServers.toReversed();
    await bootstrap(context, { ...CONFIGURED, exampleServers: turned });
    expect(await store.resourceServers.byClientId('rs_two')).toMatchObject({ name: 'two', audiences: [x] });
  });

  test('does what comes before it once, also where it met another node while it read', async () => {
    const { context, store } = await empty();
    let met = 0;
    const byClientId: Store['resourceServers']['byClientId'] = async (clientId) => {
      met += 1;
      if (met === 1) throw new DomainError('conflict', 'another node was first');
      return store.resourceServers.byClientId(clientId);
    };
    const busy = { ...store, resourceServers: { ...store.resourceServers, byClientId } };
    let prepared = 0;
    await bootstrap({ ...context, store: busy }, CONFIGURED, async () => {
      expect(await store.agents.byId('taskgrant-admin')).toBeUndefined();
      prepared += 1;
    });
    expect([met > 1, prepared]).toEqual([true, 1]);
  });

  test('refuses to start when declared resource servers share an audience', async () => {
    const { context } = await empty();
    const one = { name: 'one', audiences: ['https://x.example', 'https://y.example'], scopes: null };
    const two = { name: 'two', audiences: ['https://z.example', 'https://y.example/'], scopes: null };
    const exampleServers = [one, two].map((each) => ({ ...each, tokenFormat: 'jwt' as const }));
    await expect(bootstrap(context, { ...CONFIGURED, exampleServers })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('https://y.example'),
    });
  });
});
