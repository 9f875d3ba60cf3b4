import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { connect } from '../../src/store/database.ts';
import { bearer } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { sceneOf } from '../support/scene-of-route.ts';
import { adminTokenWith, plainRoute } from '../support/who-asks.ts';
import { ADMIN, revoke } from '../support/token-requests.ts';
import { askIn, CHANGING } from './changing-operations.ts';
import { onEveryDatabase } from './nodes.ts';

/** Without those that are another name for one that stands there. */
const ROUTES = CHANGING.filter(
  ([route], i) => CHANGING.findIndex(([other]) => plainRoute(other) === plainRoute(route)) === i,
);

interface WayToEnd {
  readonly name: string;
  end(server: TestServer, token: string): Promise<unknown>;
  /** What of it stands in the audit trail as a success. */
  readonly recorded: readonly string[];
}

const WAYS: readonly WayToEnd[] = [
  { name: 'revoked', end: (server, token) => revoke(server, ADMIN, token), recorded: ['token_revoked'] },
  { name: 'expired', end: async ({ clock }) => clock.advance(3600), recorded: [] },
];

onEveryDatabase('a token that ends between what a request reads and what it commits', (nodes) => {
  let db: Knex;
  beforeAll(() => {
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  /** Ends a token before the next unit of work that changes something, at whichever server. */
  function endedBeforeNextChange(way: WayToEnd, token: string): { readonly happened: boolean; undo(): void } {
    const undoing: (() => void)[] = [];
    const state = { happened: false, undo: () => undoing.splice(0).forEach((undo) => undo()) };
    for (const { taskgrant } of nodes().each) {
      const { commit } = taskgrant.store;
      undoing.push(() => Object.assign(taskgrant.store, { commit }));
      const held = async (unit: UnitOfWork) => {
        if (unit.changes.length > 0 && !state.happened) {
          state.happened = true;
          state.undo();
          await way.end(nodes().front, token);
        }
        await commit(unit);
      };
      Object.assign(taskgrant.store, { commit: held });
    }
    return state;
  }

  const succeeded = (): Promise<{ id: string; type: string }[]> =>
    db('audit_events').where({ outcome: 'success' }).select('id', 'type');

  describe.each(WAYS)('$name', (way) => {
    /** Of the operations that need a token and change something. */
    let refused = 0;

    test.each(ROUTES)('changes nothing any more: %s', async (_, operation) => {
      const server = nodes().front;
      const token = await adminTokenWith(server, 'admin:read admin:write');
      const headers = bearer(token);
      const without = await askIn(server, operation, await sceneOf(server, operation), {});
      const scene = await sceneOf(server, operation);
      const before = new Set((await succeeded()).map(({ id }) => id));
      const ending = endedBeforeNextChange(way, token);
      const answer = await askIn(server, operation, scene, headers);
      ending.undo();
      if (!ending.happened || without.status !== 401) return;
      expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
      expect(answer.body.detail).toContain(`${way.name} meanwhile`);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      const since = (await succeeded()).filter(({ id }) => !before.has(id));
      expect(since.map(({ type }) => type)).toEqual(way.recorded);
      refused += 1;
    });

    test('is asked of all that change something', () => {
      expect(refused).toBeGreaterThan(35);
    });
  });
});
