import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { connect } from '../../src/store/database.ts';
import { bearer } from '../support/requests.ts';
import { sceneOf } from '../support/scene-of-route.ts';
import { adminTokenWith, plainRoute } from '../support/who-asks.ts';
import { ADMIN, revoke } from '../support/token-requests.ts';
import { askIn, CHANGING } from './changing-operations.ts';
import { onEveryDatabase } from './nodes.ts';

/** Without those that are another name for one that stands there. */
const ROUTES = CHANGING.filter(
  ([route], i) => CHANGING.findIndex(([other]) => plainRoute(other) === plainRoute(route)) === i,
);

onEveryDatabase('a token that is revoked between what a request reads and what it commits', (nodes) => {
  let db: Knex;
  beforeAll(() => {
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  /** Revokes a token before the next unit of work that changes something, at whichever server. */
  function revokedBeforeNextChange(token: string): { readonly happened: boolean; undo(): void } {
    const undoing: (() => void)[] = [];
    const state = { happened: false, undo: () => undoing.splice(0).forEach((undo) => undo()) };
    for (const { taskgrant } of nodes().each) {
      const { commit } = taskgrant.store;
      undoing.push(() => Object.assign(taskgrant.store, { commit }));
      const held = async (unit: UnitOfWork) => {
        if (unit.changes.length > 0 && !state.happened) {
          state.happened = true;
          state.undo();
          await revoke(nodes().front, ADMIN, token);
        }
        await commit(unit);
      };
      Object.assign(taskgrant.store, { commit: held });
    }
    return state;
  }

  const succeeded = (): Promise<{ id: string; type: string }[]> =>
    db('audit_events').where({ outcome: 'success' }).select('id', 'type');

  /** Of the operations that need a token and change something. */
  let refused = 0;

  test.each(ROUTES)('changes nothing any more: %s', async (_, operation) => {
    const server = nodes().front;
    const token = await adminTokenWith(server, 'admin:read admin:write');
    const headers = bearer(token);
    const without = await askIn(server, operation, await sceneOf(server, operation), {});
    const scene = await sceneOf(server, operation);
    const before = new Set((await succeeded()).map(({ id }) => id));
    const revoking = revokedBeforeNextChange(token);
    const answer = await askIn(server, operation, scene, headers);
    revoking.undo();
    if (!revoking.happened || without.status !== 401) return;
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const since = (await succeeded()).filter(({ id }) => !before.has(id));
    expect(since.map(({ type }) => type)).toEqual(['token_revoked']);
    refused += 1;
  });

  test('is asked of all that change something', () => {
    expect(refused).toBeGreaterThan(35);
  });
});
