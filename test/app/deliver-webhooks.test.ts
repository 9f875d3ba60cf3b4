import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { WebhookOutbox, WebhookSender } from '../../src/app/ports/webhooks.ts';
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

test('what takes long makes room for others at once, not when somebody looks next', async () => {
  const waiting = ['a', 'b'].map((owner, seq) => ({ seq, host: `${owner}.example.com`, party: owner }));
  const begun: { party: string; at: number }[] = [];
  const outbox: Partial<WebhookOutbox> = {
    due: async () => waiting.filter(({ party }) => begun.every((one) => one.party !== party)),
    claim: async (seqs) =>
      seqs.map((seq) => {
        const { host, party: owner } = waiting[seq] ?? { host: '', party: '' };
        const webhook = { id: owner, owner, host, url: `https://${host}/`, previousEndsAt: null };
        return {
          seq,
          lease: 'lease',
          delivery: { id: 'd', attempts: 1 },
          webhook,
          event: { at: 0, details: {} },
        };
      }) as never,
    settle: async () => [],
    onRecorded: () => undefined,
  };
  const sender: WebhookSender = {
    post({ party }, ending) {
      begun.push({ party, at: performance.now() });
      const unanswered = { status: null, excerpt: null, retryAfterMs: undefined, error: 'ended' };
      return new Promise((resolve) => ending.addEventListener('abort', () => resolve(unanswered)));
    },
  };
  const delivering = startDelivering({
    context: {
      clock: Date,
      ids: { next: () => 'lease' },
      log: { warn: () => undefined },
      webhooks: { secrets: { sign: () => ({}) } },
    },
    outbox,
    sender,
    schedule: { pauses: [1] },
    random: Math.random,
    places: { perHost: 1, quick: 1, slow: 1 },
    leaseMs: 1000,
    disableAfter: 2,
  } as unknown as DeliveryParts);
  for (const late = performance.now() + 5000; begun.length < 2 && performance.now() < late; ) {
    await setTimeout(5);
  }
  await delivering.stop();
  expect(begun.map(({ party }) => party)).toEqual(['a', 'b']);
  // A look by the clock would follow after two seconds.
  expect((begun[1]?.at ?? 0) - (begun[0]?.at ?? 0)).toBeLessThan(1900);
});
