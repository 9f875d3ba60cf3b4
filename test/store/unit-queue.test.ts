import { describe, expect, test } from '@jest/globals';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { UnitQueue } from '../../src/store/commit/unit-queue.ts';
import { OverloadedError } from '../../src/store/waiting/overloaded.ts';
import { aUnit, T0 } from '../support/fixtures.ts';

const used = new DomainError('grant_replayed', 'used');

describe('the queue of units', () => {
  const consuming = (tokenId: string) =>
    aUnit([{ do: 'consume_token', tokenId, at: T0, redeemedAs: null, miss: used }]);

  /** Its time runs out long after the test, when nobody listens any more. */
  const add = (queue: UnitQueue, unit: UnitOfWork) => void queue.add(unit).catch(() => undefined);

  test('turns away what comes beyond its capacity', async () => {
    const queue = new UnitQueue(2, 60_000);
    add(queue, consuming('a'));
    add(queue, consuming('b'));
    await expect(queue.add(consuming('c'))).rejects.toBeInstanceOf(OverloadedError);
  });

  test('takes one unit per conditional key, in the order of arrival', () => {
    const queue = new UnitQueue(100, 60_000);
    const units = ['a', 'a', 'b', 'a'].map(consuming);
    for (const unit of units) add(queue, unit);
    const batches = [queue.take(64), queue.take(64), queue.take(64), queue.take(64)];
    expect(batches.map((batch) => batch.map(({ unit }) => units.indexOf(unit)))).toEqual([
      [0, 2],
      [1],
      [3],
      [],
    ]);
  });

  test('takes no more than asked', () => {
    const queue = new UnitQueue(100, 60_000);
    for (let i = 0; i < 10; i += 1) add(queue, consuming(`t${i}`));
    expect(queue.take(4)).toHaveLength(4);
    expect(queue.length).toBe(6);
  });
});
