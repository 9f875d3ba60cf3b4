import { setTimeout } from 'node:timers/promises';
import type { Clock } from './ports.ts';
import type { Cleanup, RetentionCutoffs } from './ports/cleanup.ts';

const DAY_MS = 86_400_000;
/** How far ahead a clock that removes anything may be: for so long the other servers may need what has ended by it. */
export const CLOCKS_DIFFER_MS = 600_000;
/** Rows in one statement. */
const SIZE = { first: 100, least: 20, most: 2_000 };
/** A statement should not take longer: requests wait for it on the embedded database, and its rows stay locked. */
const TARGET_MS = 8;

export interface Retention {
  readonly auditDays: number;
  readonly tasksDays: number;
  readonly tokensDays: number;
  readonly webhooksDays: number;
}

export interface RemoveExpiredParts {
  readonly clock: Clock;
  readonly cleanup: Cleanup;
  readonly retention: Retention;
  /** Stops between two statements. */
  readonly signal?: AbortSignal;
}

/**
 * Removes what has ended and is kept no longer, in small batches from all tables in turn, until nothing is left: as
 * much as has expired, however much that is. Between two batches it pauses for as long as the last one took, so that
 * requests come first. Several nodes may do so at the same time. Answers how many rows went.
 */
export async function removeExpired(parts: RemoveExpiredParts): Promise<number> {
  const cutoffs = cutoffsOf(parts);
  let total = 0;
  for (;;) {
    const removed = await sweep(parts, cutoffs);
    total += removed;
    // Rows that others stood in the way of may go now: tasks after their tokens, parents after their children.
    if (removed === 0 || parts.signal?.aborted) return total;
  }
}

async function sweep(parts: RemoveExpiredParts, cutoffs: RetentionCutoffs): Promise<number> {
  let waiting = parts.cleanup.tables.map((table) => ({ table, from: 0, size: SIZE.first }));
  let total = 0;
  while (waiting.length > 0) {
    const next: typeof waiting = [];
    for (const { table, from, size } of waiting) {
      if (parts.signal?.aborted) return total;
      const began = performance.now();
      const { removed, upTo } = await parts.cleanup.removeExpired(table, cutoffs, { from, most: size });
      const took = performance.now() - began;
      total += removed;
      if (removed === size) next.push({ table, from: upTo, size: resized(size, took) });
      await setTimeout(took);
    }
    waiting = next;
  }
  return total;
}

function cutoffsOf({ clock, retention }: RemoveExpiredParts): RetentionCutoffs {
  const now = clock.now();
  return {
    now: now - CLOCKS_DIFFER_MS,
    tokens: now - retention.tokensDays * DAY_MS,
    tasks: now - retention.tasksDays * DAY_MS,
    audit: now - retention.auditDays * DAY_MS,
    webhooks: now - retention.webhooksDays * DAY_MS,
  };
}

/** Twice or half as many at most: one slow statement says little. */
function resized(size: number, took: number): number {
  const factor = Math.min(2, Math.max(0.5, TARGET_MS / Math.max(took, 0.1)));
  return Math.min(SIZE.most, Math.max(SIZE.least, Math.round(size * factor)));
}
