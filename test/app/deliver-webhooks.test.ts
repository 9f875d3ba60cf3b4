import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { WebhookOutbox } from '../../src/app/ports/webhooks.ts';
import { type DeliveryParts, startDelivering } from '../../src/app/webhooks/deliver-webhooks.ts';

/** An outbox in which nothing is due, and to look takes so long; `wake` tells it of a commit. */
function slowOutbox(lookMs: number) {
  const wakes: (() => void)[] = [];
  const looks: number[] = [];
  const outbox: Pick<WebhookOutbox, 'due' | 'onRecorded'> = {
    async due() {
      looks.push(performance.now());
      await setTimeout(lookMs);
      return [];
    },
    onRecorded: (wake) => void wakes.push(wake),
  };
  return { outbox, looks, wake: () => wakes.forEach((wake) => wake()) };
}

function deliver(outbox: Pick<WebhookOutbox, 'due' | 'onRecorded'>) {
  const context = { clock: Date, ids: { next: () => 'lease' }, log: { warn: () => undefined } };
  const parts = {
    context,
    outbox,
    places: { perHost: 2, quick: 5, slow: 5 },
    leaseMs: 1000,
    disableAfter: 2,
  };
  return startDelivering(parts as unknown as DeliveryParts);
}

async function commitFor(ms: number, wake: () => void): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await setTimeout(5)) wake();
}

test('looking for deliveries that takes long leaves the database to others most of the time', async () => {
  const { outbox, looks, wake } = slowOutbox(60);
  const delivering = deliver(outbox);
  await commitFor(1000, wake);
  expect(looks.length).toBeGreaterThan(1);
  const gaps = looks.slice(1).map((look, i) => look - (looks[i] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(4 * 60);
  const began = performance.now();
  await delivering.stop();
  expect(performance.now() - began).toBeLessThan(200);
});

test('looking that takes no time follows each commit', async () => {
  const { outbox, looks, wake } = slowOutbox(0);
  const delivering = deliver(outbox);
  // However busy the machine is: with nothing but the timer it would take ten seconds.
  for (const late = performance.now() + 5000; looks.length < 10 && performance.now() < late; ) {
    await commitFor(50, wake);
  }
  expect(looks.length).toBeGreaterThanOrEqual(10);
  await delivering.stop();
});
