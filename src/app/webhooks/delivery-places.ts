import type { Waiting } from '../ports/webhooks.ts';
import { createLatest } from '../../domain/latest.ts';
import { createTally, type Tally } from '../../domain/tally.ts';
import { pickFairly } from './pick-fairly.ts';

/** How much may be on its way at the same time. */
export interface PlaceLimits {
  /** To one host. */
  readonly perHost: number;
  /** What has just begun, of parties whose receivers answer soon. */
  readonly quick: number;
  /** What takes long, and whatever else is sent for the same parties. */
  readonly slow: number;
}

/** What holds a place until it is given back. */
export interface Place {
  /** It takes long: its party is slow from now on, and it moves over as soon as there is room. */
  linger(): void;
  giveBack(): void;
}

/** Which deliveries may begin, so that no receiver is overrun and nobody's receivers keep those of others waiting. */
export interface DeliveryPlaces {
  /** Whether nothing can begin at all. */
  full(): boolean;
  /** What cannot begin now, whatever waits. */
  spared(): { readonly hosts: readonly string[]; readonly parties: readonly string[] };
  pick<T extends Waiting>(waiting: readonly T[]): readonly T[];
  take(one: Waiting): Place;
}

type Kind = 'quick' | 'slow';

/** For so long a party is slow after something took long. */
const SLOW_FOR_MS = 10 * 60_000;
const PARTIES_REMEMBERED = 1_000;

/**
 * A party (whoever made a webhook) holds no more than its share, which shrinks as others wait, and never more than half:
 * so there is room for the next one. What takes long moves from the quick places to the slow ones, and parties whose
 * deliveries took long begin there. INVARIANT: never more than `quick + slow` are on their way.
 */
export function createDeliveryPlaces(limits: PlaceLimits, now: () => number): DeliveryPlaces {
  const hosts = createTally();
  const parties: Record<Kind, Tally> = { quick: createTally(), slow: createTally() };
  const slowUntil = createLatest<number>(PARTIES_REMEMBERED);
  const servedAt = createLatest<number>(PARTIES_REMEMBERED);
  const lingering = new Set<() => void>();
  let served = 0;

  const kindOf = (party: string): Kind => ((slowUntil.get(party) ?? 0) > now() ? 'slow' : 'quick');
  const free = (kind: Kind) => {
    const others = kind === 'quick' ? 'slow' : 'quick';
    const moved = Math.max(0, parties[others].total() - limits[others]);
    return limits[kind] - parties[kind].total() - moved;
  };
  const half = (kind: Kind) => Math.ceil(limits[kind] / 2);
  /** Of a place that each party gets, those that wait included. */
  function shareOf(kind: Kind, waiting: Iterable<string>): number {
    const all = new Set(parties[kind].names());
    for (const party of waiting) if (kindOf(party) === kind) all.add(party);
    return Math.min(half(kind), Math.max(1, Math.floor(limits[kind] / all.size)));
  }
  function moveOver(): void {
    for (const move of lingering) if (free('slow') > 0) move();
  }

  return {
    full: () => free('quick') <= 0 && free('slow') <= 0,
    spared() {
      const atMost = (kind: Kind) =>
        parties[kind].names().filter((one) => parties[kind].of(one) >= half(kind));
      const slow = [...slowUntil.entries()].filter(([, until]) => until > now()).map(([party]) => party);
      return {
        hosts: hosts.names().filter((host) => hosts.of(host) >= limits.perHost),
        parties: [...new Set([...atMost('quick'), ...(free('slow') > 0 ? atMost('slow') : slow)])],
      };
    },
    pick(waiting) {
      const names = new Set(waiting.map(({ party }) => party));
      const share = { quick: shareOf('quick', names), slow: shareOf('slow', names) };
      return pickFairly(waiting, {
        of(party) {
          const kind = kindOf(party);
          return {
            kind,
            held: parties[kind].of(party),
            share: share[kind],
            servedAt: servedAt.get(party) ?? 0,
          };
        },
        free: { quick: free('quick'), slow: free('slow') },
        toHost: (host) => limits.perHost - hosts.of(host),
      });
    },
    take({ host, party }) {
      let kind = kindOf(party);
      served += 1;
      servedAt.set(party, served);
      hosts.add(host);
      parties[kind].add(party);
      const move = () => {
        lingering.delete(move);
        parties.quick.takeAway(party);
        parties.slow.add(party);
        kind = 'slow';
      };
      return {
        linger() {
          slowUntil.set(party, now() + SLOW_FOR_MS);
          if (kind === 'quick') lingering.add(move);
          moveOver();
        },
        giveBack() {
          lingering.delete(move);
          hosts.takeAway(host);
          parties[kind].takeAway(party);
          moveOver();
        },
      };
    },
  };
}
