import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Patience } from '../../src/store/waiting/patience.ts';

/** Keeps the process from doing anything else. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('patience', () => {
  test('ends for what is not answered in time, and for nothing else', async () => {
    const expired: string[] = [];
    const patience = new Patience<string>(100, (late) => expired.push(...late));
    const answered = patience.begin('answered');
    patience.begin('forgotten');
    answered.leave();
    answered.leave();
    await setTimeout(50);
    expect(expired).toEqual([]);
    await setTimeout(200);
    expect(expired).toEqual(['forgotten']);
  });

  test('does not count the time in which the process itself did nothing', async () => {
    const expired: string[] = [];
    const patience = new Patience<string>(200, (late) => expired.push(...late));
    const one = patience.begin('one');
    await setTimeout(10);
    block(300);
    await setTimeout(5);
    expect(expired).toEqual([]);
    one.leave();
  });

  test('ends for all that, after twice the time', async () => {
    const expired: string[] = [];
    const patience = new Patience<string>(100, (late) => expired.push(...late));
    const begun = performance.now();
    patience.begin('one');
    for (let i = 0; i < 12 && expired.length === 0; i += 1) {
      block(40);
      await setTimeout(1);
    }
    await setTimeout(20);
    expect(expired).toEqual(['one']);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(100);
  });
});
