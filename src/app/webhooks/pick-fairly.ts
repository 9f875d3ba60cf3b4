import type { Waiting } from '../ports/webhooks.ts';
import { createTally } from '../../domain/tally.ts';

/** What a party holds and may begin. */
export interface Standing {
  /** Its deliveries on their way. */
  readonly held: number;
  /** How many it may have on their way. */
  readonly share: number;
  /** Which places it takes: how many of them are free says `free`. */
  readonly kind: string;
  /** When it was served last, as a number that grows. */
  readonly servedAt: number;
}

export interface Room {
  of(party: string): Standing;
  /** Free places of each kind. */
  readonly free: Readonly<Record<string, number>>;
  /** How many more a host takes. */
  toHost(host: string): number;
}

/** As many as fit: one of each party after the other, beginning with those that hold least and were served longest ago. */
export function pickFairly<T extends Waiting>(waiting: readonly T[], room: Room): readonly T[] {
  const queues = [...Map.groupBy(waiting, ({ party }) => party)]
    .map(([party, queue]) => ({ queue, ...room.of(party) }))
    .sort((a, b) => a.servedAt - b.servedAt);
  const free = { ...room.free };
  const toHosts = createTally();
  const picked: T[] = [];
  const most = Math.max(0, ...queues.map(({ share }) => share));
  for (let load = 0; load < most; load += 1) {
    for (const one of queues) {
      if (one.held !== load || load >= one.share || (free[one.kind] ?? 0) <= 0) continue;
      const next = one.queue.findIndex(({ host }) => toHosts.of(host) < room.toHost(host));
      for (const taken of next === -1 ? [] : one.queue.splice(next, 1)) {
        picked.push(taken);
        toHosts.add(taken.host);
        free[one.kind] = (free[one.kind] ?? 0) - 1;
        one.held += 1;
      }
    }
  }
  return picked;
}
