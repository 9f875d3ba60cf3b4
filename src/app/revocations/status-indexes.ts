import type { AppContext } from '../context.ts';
import type { StatusIndexes, StatusReference, StatusShuffle } from '../ports/status-lists.ts';

interface StatusIndexParts extends Pick<AppContext, 'ids' | 'clock'> {
  readonly store: Pick<AppContext['store'], 'statusLists'>;
  readonly shuffle: StatusShuffle;
  readonly capacity: number;
}

/** Tokens that expire within one such time share lists: long enough to be many, short enough to be forgotten soon. */
const SPAN_MS = 600_000;
/** Numbers that a process takes at once; those that it does not use are lost. */
const AT_ONCE = 200;

interface Supply {
  readonly list: string;
  next: number;
  readonly end: number;
}

/** Gives out places from a supply of its own, so that the store is asked once for hundreds of tokens. */
export function createStatusIndexes({
  store,
  ids,
  clock,
  shuffle,
  capacity,
}: StatusIndexParts): StatusIndexes {
  const supplies = new Map<number, Supply | Promise<Supply>>();

  async function refill(beginsAt: number): Promise<Supply> {
    forget();
    const list = { id: ids.next(), beginsAt, expiresAt: beginsAt + SPAN_MS };
    const taken = await store.statusLists.take(list, { count: AT_ONCE, capacity });
    const supply = { list: taken.id, next: taken.first, end: taken.first + AT_ONCE };
    supplies.set(beginsAt, supply);
    return supply;
  }

  function forget(): void {
    for (const beginsAt of supplies.keys()) {
      if (beginsAt + SPAN_MS <= clock.now()) supplies.delete(beginsAt);
    }
  }

  return {
    async next(expiresAt): Promise<StatusReference> {
      const beginsAt = Math.floor(expiresAt / SPAN_MS) * SPAN_MS;
      for (;;) {
        let supply = supplies.get(beginsAt);
        if (supply === undefined || (!(supply instanceof Promise) && supply.next === supply.end)) {
          // Those who come meanwhile wait for the same numbers; a failure is theirs together, and not remembered.
          supply = refill(beginsAt);
          supply.catch(() => supplies.delete(beginsAt));
          supplies.set(beginsAt, supply);
        }
        const filled = await supply;
        if (filled.next === filled.end) continue;
        const n = filled.next;
        filled.next += 1;
        return { list: filled.list, index: shuffle(filled.list, n) };
      }
    },
  };
}
