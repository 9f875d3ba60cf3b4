import { describe, expect, test } from '@jest/globals';
import type { BootstrapOptions } from '../../../src/app/bootstrap/bootstrap-options.ts';
import { bootstrap } from '../../../src/app/bootstrap/bootstrap.ts';
import { registerResourceServer } from '../../../src/app/resource-servers/register-resource-server.ts';
import { CALLER } from '../../support/app-context.ts';
import { CONFIGURED, emptyServers } from './empty-servers.ts';

const empty = emptyServers();

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
