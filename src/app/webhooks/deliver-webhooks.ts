import { setTimeout as pause } from 'node:timers/promises';
import { partyOf } from '../../domain/webhook.ts';
import { reportFailure } from '../audit/report-failure.ts';
import type { AppContext } from '../context.ts';
import type { ClaimedDelivery, Waiting, WebhookOutbox } from '../ports/webhooks.ts';
import { type AttemptOutcome, type AttemptParts, attemptDelivery } from './attempt-delivery.ts';
import { createDeliveryPlaces, type PlaceLimits } from './delivery-places.ts';
import { disableWebhook } from './switch-webhook.ts';
import { createTally } from '../../domain/tally.ts';

export interface DeliveryParts extends AttemptParts {
  readonly context: AppContext;
  readonly outbox: WebhookOutbox;
  /** Deliveries at the same time. */
  readonly places: PlaceLimits;
  /** How long a claim lasts: longer than any attempt, clocks of other servers included. */
  readonly leaseMs: number;
  /** Deliveries given up in a row before the webhook is disabled. */
  readonly disableAfter: number;
}

export interface Delivering {
  /** Looks for nothing more; waits a moment for what is on its way, then cuts it. */
  stop(): Promise<void>;
}

/** Without a commit of this process to wake it: retries, and what other processes recorded or left. */
const LOOK_EVERY_MS = 1_000;
const FINISH_WITHIN_MS = 2_000;
/** What takes longer is slow. */
const QUICK_WITHIN_MS = 1_000;
/** Deliveries that a look finds: of one party, and in all. */
const MOST_OF_PARTY = 16;
const MOST_FOUND = 256;
const MOST_SETTLED = 32;
/** Where very many agents wait for receivers that fail, a look takes long; it is followed by a rest of so many times that. */
const LONG_LOOK_MS = 20;
const REST = 4;

/**
 * Sends what is due, at least once: what was claimed and not ended, because the process was killed, is claimed again by
 * somebody when its lease has run out. Any number of nodes may do so.
 */
export function startDelivering(parts: DeliveryParts): Delivering {
  const { context, outbox } = parts;
  const ending = new AbortController();
  const places = createDeliveryPlaces(parts.places, () => context.clock.now());
  const sending = new Set<Promise<void>>();
  const finished: AttemptOutcome[] = [];
  let looking: Promise<void> | undefined;
  let settling: Promise<void> | undefined;
  let again = false;
  let after: string | undefined;
  const stopping = new AbortController();

  const report = (what: string) => (error: unknown) => reportFailure(context.log, what, error);

  function wake(): void {
    again = true;
    if (stopping.signal.aborted) return;
    looking ??= look()
      .catch(report('deliveries could not be looked for'))
      .finally(() => {
        looking = undefined;
        // Somebody woke it between its last look and now.
        if (again) wake();
      });
  }

  async function look(): Promise<void> {
    while (again && !stopping.signal.aborted) {
      again = false;
      const began = performance.now();
      const claimed = await claimDue();
      for (const one of claimed) start(one);
      // What was taken makes the next of its lane wait, so more is found only when something has ended.
      await restAfter(performance.now() - began);
    }
  }

  /** Others need the database, too. */
  async function restAfter(lookMs: number): Promise<void> {
    if (lookMs < LONG_LOOK_MS) return;
    await pause(Math.min(REST * lookMs, LOOK_EVERY_MS), undefined, stopping).catch(() => undefined);
  }

  async function claimDue(): Promise<readonly ClaimedDelivery[]> {
    if (places.full()) return [];
    const now = context.clock.now();
    const part = { except: places.spared(), mostOfParty: MOST_OF_PARTY, most: MOST_FOUND, after };
    const due = await outbox.due(now, part);
    // Parties with much to be told, all of it old, would hide those behind them for as long as it lasts.
    after = due.length < MOST_FOUND ? undefined : due.at(-1)?.party;
    const picked = places.pick(due);
    if (picked.length === 0) return [];
    again ||= mayHideOthers(due);
    const lease = { id: context.ids.next(), now, until: now + parts.leaseMs };
    return outbox.claim(
      picked.map(({ seq }) => seq),
      lease,
    );
  }

  function start(claimed: ClaimedDelivery): void {
    const place = places.take({ host: claimed.webhook.host, party: partyOf(claimed.webhook) });
    const late = setTimeout(() => {
      place.linger();
      wake();
    }, QUICK_WITHIN_MS);
    const attempt = attemptDelivery(parts, claimed, ending.signal).then((outcome) => {
      clearTimeout(late);
      finished.push(outcome);
      place.giveBack();
      sending.delete(attempt);
      void settle();
    });
    sending.add(attempt);
  }

  /** Many outcomes with one statement. What could not be stored waits for the next turn. */
  function settle(): Promise<void> {
    settling ??= store()
      .catch(report('deliveries could not be marked'))
      .finally(() => {
        settling = undefined;
      });
    return settling;
  }

  async function store(): Promise<void> {
    while (finished.length > 0) {
      const batch = finished.slice(0, MOST_SETTLED);
      const given = await outbox.settle(batch);
      finished.splice(0, batch.length);
      wake();
      await disable(batch, given);
    }
  }

  async function disable(
    batch: readonly AttemptOutcome[],
    given: Awaited<ReturnType<WebhookOutbox['settle']>>,
  ) {
    const failures = new Map(given.map((one) => [one.webhookId, one.failures]));
    for (const { webhookId, url, state, gone } of batch) {
      const inARow = state === 'dead' ? (failures.get(webhookId) ?? 0) : 0;
      if (!gone && inARow < parts.disableAfter) continue;
      const reason = gone ? 'the receiver answered 410 Gone' : `${inARow} deliveries in a row were given up`;
      await disableWebhook(context, { webhookId, url, reason }).catch(
        report('a webhook could not be disabled'),
      );
    }
  }

  outbox.onRecorded(wake);
  const timer = setInterval(() => {
    if (finished.length > 0) void settle();
    wake();
  }, LOOK_EVERY_MS);
  timer.unref();
  void (outbox.releaseAll?.() ?? Promise.resolve())
    .catch(report('claims of the last run could not be released'))
    .then(wake);
  return {
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await looking;
      const cut = new AbortController();
      await Promise.race([
        Promise.all(sending),
        pause(FINISH_WITHIN_MS, undefined, { signal: cut.signal }).catch(() => undefined),
      ]);
      cut.abort();
      ending.abort();
      await Promise.all(sending);
      await settle();
    },
  };
}

/** Those that were found first may all be for hosts that turn out to be full. */
function mayHideOthers(due: readonly Waiting[]): boolean {
  const ofParties = createTally();
  for (const { party } of due) ofParties.add(party);
  return due.length >= MOST_FOUND || ofParties.names().some((party) => ofParties.of(party) >= MOST_OF_PARTY);
}
