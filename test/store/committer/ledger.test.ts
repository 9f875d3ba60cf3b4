import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { groupCommitter } from '../../../src/store/commit/committer.ts';
import { aUnit } from '../../support/fixtures.ts';
import { ledgerEntry, committingOnEveryDatabase } from './scene.ts';

committingOnEveryDatabase(({ open, store }) => {
  describe('the ledger', () => {
    test('numbers revocations in the order in which they become visible', async () => {
      const nodes = Array.from({ length: 6 }, () => groupCommitter(open().knex));
      const seen: number[] = [];
      let watching = true;
      const watch = (async () => {
        while (watching) {
          await setImmediate();
          const rows = await open()
            .knex('revocations')
            .orderBy('seq')
            .where('seq', '>', seen.at(-1) ?? 0);
          seen.push(...rows.map((row) => Number(row.seq)));
        }
      })();
      await Promise.all(
        Array.from({ length: 240 }, (_, i) =>
          nodes[i % 6]!.commit(aUnit([{ do: 'revoke', entry: ledgerEntry('token', `ordered-${i}`) }])),
        ),
      );
      watching = false;
      await watch;
      const all = await open().knex('revocations').orderBy('seq').pluck('seq');
      const late = await open()
        .knex('revocations')
        .orderBy('seq')
        .where('seq', '>', seen.at(-1) ?? 0);
      expect([...seen, ...late.map((row) => Number(row.seq))]).toEqual(all.map(Number));
    });

    test('keeps one row however often a handle is revoked, for the longest time asked', async () => {
      const entry = ledgerEntry('grant', 'again');
      await store().commit(aUnit([{ do: 'revoke', entry }]));
      await store().commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: entry.expiresAt + 10 } }]));
      await store().commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: entry.expiresAt + 5 } }]));
      const rows = await open().knex('revocations').where('handle', 'again');
      expect(rows.map((row) => Number(row.expires_at))).toEqual([entry.expiresAt + 10]);
    });
  });
});
