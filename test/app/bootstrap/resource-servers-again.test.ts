import { describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../../src/app/bootstrap/bootstrap.ts';
import type { Store } from '../../../src/app/ports.ts';
import { deleteResourceServer } from '../../../src/app/resource-servers/delete-resource-server.ts';
import { CALLER } from '../../support/app-context.ts';
import { CONFIGURED, emptyServers } from './empty-servers.ts';

const empty = emptyServers();

describe('starting again', () => {
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
