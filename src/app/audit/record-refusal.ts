import type { AuditEvent } from '../../domain/audit-event.ts';
import { auditEvent, type Caller, type Fact } from './audit-trail.ts';
import type { AppContext } from '../context.ts';
import { notDeferred } from '../idempotency/deferred-units.ts';
import { reportFailure } from './report-failure.ts';
import { createRefusalCounts, type RefusalCounts } from './refusal-counts.ts';

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
  const storeCounts = async (before: number) => {
    const due = counts.take(before);
    await storeBatch(context, due.events, due.putBack);
  };
  const flush = async () => {
    await queue.drained();
    await storeCounts(Infinity);
  };
  const timer = setInterval(() => void storeCounts(minuteOf(context.clock.now())), MINUTE);
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

/** Stores what is pushed, many at a time and one unit after the other. */
function createQueue(context: RecorderContext, counts: RefusalCounts) {
  const waiting: AuditEvent[] = [];
  let draining: Promise<void> | undefined;

  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH);
      await storeBatch(context, batch, () => batch.forEach(counts.add));
    }
  };
  const start = (): Promise<void> => {
    draining ??= drain().finally(() => {
      draining = undefined;
      if (waiting.length > 0) void start();
    });
    return draining;
  };
  return {
    length: () => waiting.length,
    push(event: AuditEvent) {
      waiting.push(event);
      void start();
    },
    async drained() {
      while (draining) await draining;
    },
  };
}

/** Never rejects: what could not be stored is kept as a count, by `failed`. */
async function storeBatch(
  { store, ids, clock, log }: RecorderContext,
  events: readonly AuditEvent[],
  failed: () => void,
): Promise<void> {
  if (events.length === 0) return;
  try {
    const unit = { id: ids.ordered(clock.now()), guards: [], changes: [], events };
    await notDeferred(() => store.commit(unit));
  } catch (error) {
    reportFailure(log, 'refusals could not be stored', error, { events: events.length });
    failed();
  }
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
