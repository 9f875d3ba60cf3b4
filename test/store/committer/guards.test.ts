import { describe, expect, test } from '@jest/globals';
import { basisOf } from '../../../src/domain/revocation.ts';
import { aUnit } from '../../support/fixtures.ts';
import { revoked, opening, ledgerEntry, committingOnEveryDatabase } from './scene.ts';

committingOnEveryDatabase(({ store }) => {
  describe('guards', () => {
    test('refuse what rests on a revoked handle, and nothing else', async () => {
      await store().commit(aUnit([{ do: 'revoke', entry: ledgerEntry('task', 'ended') }]));
      const guarded = (handle: string) => ({
        ...opening().unit,
        guards: [{ live: basisOf({ kind: 'task', handle, epoch: 0 }), miss: revoked }],
      });
      const outcomes = await Promise.allSettled([
        store().commit(guarded('live')),
        store().commit(guarded('ended')),
        store().commit(guarded('live too')),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(outcomes[1]).toMatchObject({ reason: revoked });
    });

    test('compare epochs of agents', async () => {
      await store().commit(
        aUnit([{ do: 'revoke', entry: { ...ledgerEntry('agent', 'counted'), epoch: 2 } }]),
      );
      const at = (epoch: number) =>
        aUnit([], {
          guards: [{ live: basisOf({ kind: 'agent', handle: 'counted', epoch }), miss: revoked }],
        });
      await expect(store().commit(at(1))).rejects.toBe(revoked);
      await expect(store().commit(at(2))).resolves.toBeUndefined();
    });

    test('do not confuse handles of different kinds', async () => {
      await store().commit(aUnit([{ do: 'revoke', entry: ledgerEntry('token_self', 'same') }]));
      const unit = aUnit([], {
        guards: [{ live: basisOf({ kind: 'token', handle: 'same', epoch: 0 }), miss: revoked }],
      });
      await expect(store().commit(unit)).resolves.toBeUndefined();
    });
  });
});
