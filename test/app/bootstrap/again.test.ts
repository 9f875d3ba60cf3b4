import { describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../../src/app/bootstrap/bootstrap.ts';
import type { Store } from '../../../src/app/ports.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import { ADMIN_AUDIENCE } from '../../support/app-context.ts';
import { CONFIGURED, emptyServers } from './empty-servers.ts';

const empty = emptyServers();

describe('starting again', () => {
  test('with the same configuration writes nothing', async () => {
    const { context, store } = await empty();
    await bootstrap(context, CONFIGURED);
    const before = await store.counts(context.clock.now());
    await bootstrap(context, CONFIGURED);
    expect(await store.counts(context.clock.now())).toEqual(before);
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
});
