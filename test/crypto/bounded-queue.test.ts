import { describe, expect, test } from '@jest/globals';
import { createBoundedQueue, QueueFullError } from '../../src/crypto/bounded-queue.ts';

/** Work that ends when told to. */
function controlled() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const work = (id: number) => () => {
    started.push(id);
    return new Promise<number>((resolve) => ends.push(() => resolve(id)));
  };
  return { started, ends, work };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a bounded queue', () => {
  test('runs as many at once as allowed and the others in order', async () => {
    const { started, ends, work } = controlled();
    const queue = createBoundedQueue({ atOnce: 2, waiting: 10 });
    const results = [1, 2, 3, 4].map((id) => queue.run(work(id)));
    await settle();
    expect(started).toEqual([1, 2]);
    ends[0]?.();
    await settle();
    expect(started).toEqual([1, 2, 3]);
    for (let index = 1; index < 4; index += 1) {
      ends[index]?.();
      await settle();
    }
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4]);
  });

  test('refuses what would wait beyond its length, and accepts again when places are free', async () => {
    const { started, ends, work } = controlled();
    const queue = createBoundedQueue({ atOnce: 1, waiting: 1 });
    const accepted = [queue.run(work(1)), queue.run(work(2))];
    await expect(queue.run(work(3))).rejects.toThrow(QueueFullError);
    ends[0]?.();
    await settle();
    ends[1]?.();
    await Promise.all(accepted);
    const later = queue.run(work(4));
    await settle();
    ends[2]?.();
    expect(await later).toBe(4);
    expect(started).toEqual([1, 2, 4]);
  });

  test('gives the place of failed work to the next', async () => {
    const queue = createBoundedQueue({ atOnce: 1, waiting: 1 });
    const failing = queue.run(() => Promise.reject(new Error('no')));
    const next = queue.run(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
