import { beforeEach, describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { type Basis, basisOf, type HandleKind } from '../../src/domain/revocation.ts';
import { groupCommitter } from '../../src/store/commit/committer.ts';
import { type RememberedLedger, rememberedLedger } from '../../src/store/ledger/remembered-ledger.ts';
import { standings } from '../../src/store/tables/standing.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aTask, aToken, aUnit, anId, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'not as expected');

function entry(kind: HandleKind, handle: string, epoch = 0): LedgerEntry {
  return { kind, handle, epoch, reason: null, actor: null, at: T0, expiresAt: T0 + 60_000 };
}

function on(...handles: string[]): Basis {
  return basisOf(...handles.map((handle) => ({ kind: 'task' as const, handle, epoch: 0 })));
}

onEveryDatabase('what is remembered of the ledger', (open) => {
  /** Another node: it writes, and does not tell the one that remembers. */
  let store: DatabaseStore;
  let ledger: RememberedLedger;
  beforeEach(async () => {
    store = createStore(open());
    ledger = rememberedLedger(open().knex);
    await open().knex('revocations').delete();
  });
  const revoke = (...entries: LedgerEntry[]) =>
    store.commit(aUnit(entries.map((one) => ({ do: 'revoke', entry: one }))));
  const head = async () => {
    const [row] = await open().knex('revocations').select('seq', 'handle').orderBy('seq', 'desc').limit(1);
    return { seq: Number(row?.seq ?? 0), handle: (row?.handle as string | undefined) ?? null };
  };
  const suspects = async (...handles: string[]) => handles.filter(await ledger.upTo(await head()));
  /** As at the first request: it is read in the background, and then it is known. */
  const learn = async () => {
    while ((await suspects('never')).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('suspects everything until it was read', async () => {
    expect(ledger.clearOf([])).toBeUndefined();
    expect(await suspects('a', 'b')).toEqual(['a', 'b']);
    await learn();
    expect(await suspects('a', 'b')).toEqual([]);
  });

  test('reads on as far as it is told, and suspects what it has read', async () => {
    await revoke(entry('task', 'early'));
    await learn();
    expect(await suspects('early', 'late')).toEqual(['early']);
    await revoke(entry('task', 'late'), entry('agent', 'agt', 3));
    expect(await suspects('early', 'late', 'never', 'agt')).toEqual(['early', 'late', 'agt']);
    expect(ledger.clearOf([on('never', 'nor that')])).toEqual(await head());
    expect(ledger.clearOf([on('never', 'late')])).toBeUndefined();
  });

  test('answers for the row that was asked about, whatever it learns or forgets before it is asked', async () => {
    await revoke(entry('task', 'early'));
    // Nothing is known yet: the building that this begins ends before the answer is used, and knows too little.
    const mayName = await ledger.upTo({ seq: (await head()).seq + 1, handle: 'later' });
    await learn();
    expect(['later', 'never'].filter(mayName)).toEqual(['later', 'never']);
    const known = await ledger.upTo(await head());
    await open().knex('revocations').delete();
    await ledger.upTo(await head());
    expect(['early', 'never'].filter(known)).toEqual(['early']);
  });

  test('starts anew when the ledger does not go on where it ended: it was replaced by a backup', async () => {
    await revoke(entry('task', 'before'));
    await learn();
    const { seq } = await head();
    // The same number, another row.
    await open().knex('revocations').where({ seq }).update({ handle: 'restored' });
    expect(await suspects('restored', 'never')).toEqual(['restored', 'never']);
    await learn();
    expect(await suspects('restored', 'before', 'never')).toEqual(['restored']);

    // It has grown past what is known, and none of what is known is there.
    await open().knex('revocations').where({ seq }).update({ handle: 'other' });
    await revoke(entry('task', 'grown'));
    expect(await suspects('never')).toEqual(['never']);
    await learn();
    expect(await suspects('other', 'grown', 'restored')).toEqual(['other', 'grown']);
  });

  test('starts anew when the ledger ends earlier, and when more was revoked than it has room for', async () => {
    await learn();
    const entries = Array.from({ length: 700 }, (_, i) => entry('task', `many-${i}`));
    for (let i = 0; i < 2; i += 1)
      await revoke(...entries.map((one) => ({ ...one, handle: `${one.handle}-${i}` })));
    await learn();
    expect(await suspects('many-0-0', 'many-699-1', 'never')).toEqual(['many-0-0', 'many-699-1']);
    await revoke(entry('task', 'one more'));
    await learn();
    expect(await suspects('one more', 'many-0-0')).toEqual(['one more', 'many-0-0']);
    await open().knex('revocations').where('handle', 'one more').delete();
    expect(await suspects('never')).toEqual(['never']);
  });

  test('is not read anew because several read on at once, or one is told what another has read past', async () => {
    await revoke(entry('task', 'early'));
    await learn();
    let builds = 0;
    const hear = ({ sql }: { sql: string }) => {
      if (/SELECT COUNT.* FROM revocations/.test(sql)) builds += 1;
    };
    open().knex.on('query', hear);
    const before = await head();
    await revoke(entry('task', 'late'));
    const after = await head();
    const answers = await Promise.all([after, after, before, after].map((one) => ledger.upTo(one)));
    expect(answers.map((mayName) => ['late', 'never'].filter(mayName))).toEqual(answers.map(() => ['late']));
    await ledger.catchUp();
    expect(['early', 'late', 'never'].filter(await ledger.upTo(before))).toEqual(['early', 'late']);
    open().knex.off('query', hear);
    expect(builds).toBe(0);
  });

  describe('for what is committed', () => {
    const gone = new DomainError('parent_revoked', 'revoked meanwhile');
    const opening = (...handles: string[]) => {
      const task = aTask();
      const unit = aUnit([{ do: 'insert_task', task, miss }]);
      return { task, unit: { ...unit, guards: [{ live: on(...handles), miss: gone }] } };
    };

    test('nothing rests on what another node has revoked, known already or not', async () => {
      const node = groupCommitter(open().knex, undefined, { ledger });
      await revoke(entry('task', 'known'));
      await learn();
      await node.commit(opening('never').unit);
      await expect(node.commit(opening('known').unit)).rejects.toBe(gone);
      await revoke(entry('task', 'unknown'));
      await expect(node.commit(opening('unknown').unit)).rejects.toBe(gone);
      const units = ['never', 'unknown', 'known', 'nor that'].map((handle) => opening(handle).unit);
      const outcomes = await Promise.allSettled(units.map((unit) => node.commit(unit)));
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
      ]);
    });

    test('a backup in the place of the ledger is noticed', async () => {
      const node = groupCommitter(open().knex, undefined, { ledger });
      await revoke(entry('task', 'before'));
      await learn();
      const { seq } = await head();
      await open().knex('revocations').where({ seq }).update({ handle: 'restored' });
      await expect(node.commit(opening('restored').unit)).rejects.toBe(gone);
    });

    test('a node that only opens tasks follows the ledger as it grows', async () => {
      const node = groupCommitter(open().knex, undefined, { ledger });
      await learn();
      await revoke(entry('task', 'late'));
      await expect(node.commit(opening('late').unit)).rejects.toBe(gone);
      await node.commit(opening('never').unit);
      await ledger.catchUp();
      expect(ledger.clearOf([on('never')])).toEqual(await head());
      expect(ledger.clearOf([on('never'), on('late')])).toBeUndefined();
    });

    test('a node that only opens tasks gets to know the ledger by itself', async () => {
      const node = groupCommitter(open().knex, undefined, { ledger });
      await revoke(entry('task', 'early'));
      await node.commit(opening('never').unit);
      if (isPostgres(open().knex)) {
        while (!ledger.clearOf([on('never')])) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(ledger.clearOf([on('early')])).toBeUndefined();
      }
      await expect(node.commit(opening('early').unit)).rejects.toBe(gone);
      const { task, unit } = opening('never');
      await node.commit(unit);
      expect(await open().knex('task_ids').where('task_id', task.taskId)).toHaveLength(1);
    });
  });

  describe('for a token', () => {
    const issued = async () => {
      const task = aTask();
      const token = aToken(task, { jwtDigest: anId(), digest: null, format: 'jwt' });
      await store.commit(
        aUnit([
          { do: 'insert_task', task, miss },
          { do: 'insert_token', token },
        ]),
      );
      return { task, token };
    };
    const ways: [string, (of: Awaited<ReturnType<typeof issued>>) => LedgerEntry][] = [
      ['it itself', ({ token }) => entry('token', token.tokenId)],
      ['it alone', ({ token }) => entry('token_self', token.tokenId)],
      ['its task', ({ task }) => entry('task', task.handle)],
      ['its grant', ({ task }) => entry('grant', task.grant)],
      ['its agent', ({ task }) => entry('agent', task.clientId, task.clientEpoch + 1)],
    ];

    test.each(ways)('tells at once that another node has revoked %s', async (_what, entryFor) => {
      const standing = standings(open().knex, ledger);
      const one = await issued();
      const rows = async () => (await standing(one.token.tokenId)).found?.revocations;
      // Read in the background, and from memory.
      for (let i = 0; i < 3; i += 1) expect(await rows()).toEqual([]);
      await learn();
      expect(await rows()).toEqual([]);
      const { kind, handle, epoch } = entryFor(one);
      await revoke(entry(kind, handle, epoch));
      expect(await rows()).toEqual([{ kind, handle, epoch }]);
      expect(await rows()).toEqual([{ kind, handle, epoch }]);
    });

    test('tells the version of the registry beside it, found or not', async () => {
      const standing = standings(open().knex, ledger);
      const { token } = await issued();
      const { version } = await store.registry.remembered();
      const [found, missing] = await Promise.all([standing(token.tokenId), standing(anId())]);
      expect([found.registry, missing.registry, missing.found]).toEqual([version, version, undefined]);
      expect(found.found?.token).toEqual(token);
    });
  });
});
