import { describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../../src/app/bootstrap/bootstrap.ts';
import { changeUserState } from '../../../src/app/users/change-user-state.ts';
import { verifyCredentials } from '../../../src/app/users/sign-in.ts';
import { CALLER } from '../../support/app-context.ts';
import { CONFIGURED, emptyServers, PASSWORD } from './empty-servers.ts';

const empty = emptyServers();

describe('starting again', () => {
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
});
