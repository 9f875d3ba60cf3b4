import type { AuditEvent } from '../../domain/audit-event.ts';
import { auditEvent, type Caller, type Fact } from './audit-trail.ts';
import type { AppContext } from '../context.ts';
import { createRefusalCounts, type RefusalCounts } from './refusal-counts.ts';
import { type Batch, createBatchStore } from './store-refusals.ts';

type RecorderContext = Pick<AppContext, 'clock' | 'ids' | 'log' | 'store'>;

export interface RefusalLimits {
  /** Refusals that wait to be stored, at most; more are counted. */
  readonly queue: number;
  /** Refusals stored one by one per anonymous source and minute; more are counted. */
  readonly perSource: number;
  /** Refusals stored one by one per authenticated actor and minute. */
  readonly perActor: number;
  /** Refusals stored one by one for all anonymous sources together, per minute. */
  readonly anonymous: number;
}

const LIMITS: RefusalLimits = { queue: 1000, perSource: 30, perActor: 600, anonymous: 600 };
const BATCH = 100;
const MINUTE = 60_000;

export interface RefusalRecorder {
  /** Never throws and never waits: a refusal is answered even when it cannot be stored (R15). */
  record(caller: Caller, fact: Fact): void;
  /** Stores everything that waits, counts included. */
  flush(): Promise<void>;
  /** Flushes and stops the timer. */
  close(): Promise<void>;
}

/**
 * Keeps the audit trail writable under attack: refusals go through a bounded queue, limited per source and minute;
 * what is beyond the limits is counted per source and minute (`refusals_counted`).
 */
export function createRefusalRecorder(
  context: RecorderContext,
  limits: RefusalLimits = LIMITS,
): RefusalRecorder {
  const counts = createRefusalCounts(context);
  const allowance = createAllowance(context, limits);
  const queue = createQueue(context, counts);
  const storeCounts = createCountStore(context, counts);
  const flush = async () => {
    await queue.drained();
    await storeCounts(Infinity);
  };
  const timer = setInterval(() => {
    queue.start();
    void storeCounts(minuteOf(context.clock.now()));
  }, MINUTE);
  timer.unref();
  return {
    record(caller, fact) {
      const event = auditEvent(context, caller, { outcome: 'refused', ...fact });
      if (queue.length() < limits.queue && allowance(event)) queue.push(event);
      else counts.add(event);
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

/** Stores what is pushed, many at a time and one unit after the other; what it cannot waits for the next attempt. */
function createQueue(context: RecorderContext, counts: RefusalCounts) {
  const waiting: AuditEvent[] = [];
  const batches = createBatchStore(context);
  let draining: Promise<void> | undefined;

  const next = (): Batch | undefined => {
    const events = waiting.splice(0, BATCH);
    return events.length === 0 ? undefined : { events, failed: () => events.forEach(counts.add) };
  };
  const drain = async () => {
    while (await batches.storeNext(next));
  };
  const start = (): void => {
    draining ??= drain().finally(() => {
      draining = undefined;
      if (waiting.length > 0 && !batches.waits()) start();
    });
  };
  return {
    length: () => waiting.length,
    start,
    push(event: AuditEvent) {
      waiting.push(event);
      start();
    },
    async drained() {
      start();
      while (draining) await draining;
    },
  };
}

/** Stores the counts of minutes that are over, one attempt after the other. */
function createCountStore(context: RecorderContext, counts: RefusalCounts) {
  const batches = createBatchStore(context);
  let last: Promise<void> = Promise.resolve();

  const next = (before: number): Batch | undefined => {
    const { events, putBack: failed } = counts.take(before);
    return events.length === 0 ? undefined : { events, failed };
  };
  const store = async (before: number) => {
    // What had to wait first, then what is due: what cannot be stored is due again only the next time.
    if (batches.waits() && !(await batches.storeNext(() => undefined))) return;
    await batches.storeNext(() => next(before));
  };
  return (before: number): Promise<void> => {
    last = last.then(() => store(before));
    return last;
  };
}

/** Fixed windows of one minute; forgotten as a whole when the minute ends, so memory stays bounded. */
function createAllowance({ clock }: RecorderContext, limits: RefusalLimits): (event: AuditEvent) => boolean {
  let minute = 0;
  let anonymous = 0;
  const used = new Map<string, number>();
  return ({ actor, sourceIp }) => {
    const now = minuteOf(clock.now());
    if (now !== minute) {
      minute = now;
      anonymous = 0;
      used.clear();
    }
    if (actor === null && anonymous >= limits.anonymous) return false;
    const key = actor === null ? `source:${sourceIp}` : `actor:${actor}`;
    const count = used.get(key) ?? 0;
    if (count >= (actor === null ? limits.perSource : limits.perActor)) return false;
    used.set(key, count + 1);
    if (actor === null) anonymous += 1;
    return true;
  };
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE);
}
