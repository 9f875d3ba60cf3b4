import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { AGENTS, AN_AGENT, idempotencyScene } from './scene.ts';

const { on, post, agentsNamed } = idempotencyScene();

describe('when the answer did not arrive', () => {
  test('because nobody learnt of the commit, the repetition gets it', async () => {
    const key = randomUUID();
    const { store } = on.api.context;
    const { commit } = store;
    Object.assign(store, {
      async commit(unit: Parameters<typeof commit>[0]) {
        await commit(unit);
        if (unit.changes.some((change) => change.do === 'insert_idempotency_record'))
          throw new UnavailableError('database_unavailable', 'the connection was lost');
      },
    });
    const lost = await post(AGENTS, AN_AGENT, key);
    Object.assign(store, { commit });
    expect(lost.status).toBe(503);
    const again = await post(AGENTS, AN_AGENT, key);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(again.body.credentials.client_secret).toMatch(/^tgs_/);
    expect(await agentsNamed('Research agent')).toBe(1);
  });

  test('because nothing was committed, the repetition creates', async () => {
    const key = randomUUID();
    const { store } = on.api.context;
    const { commit } = store;
    Object.assign(store, {
      commit: async () => {
        throw new Error('the disk is full');
      },
    });
    expect((await post(AGENTS, AN_AGENT, key)).status).toBe(500);
    Object.assign(store, { commit });
    const again = await post(AGENTS, AN_AGENT, key);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(await agentsNamed('Research agent')).toBe(1);
  });
});
