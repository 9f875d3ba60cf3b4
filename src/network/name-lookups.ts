import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createLatest } from '../domain/latest.ts';
import { createTally, type Tally } from '../domain/tally.ts';
import { untilAborted } from './until-aborted.ts';

/** Every address of a name. Whoever asks for an address gets that one. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export interface Asker {
  /** Who is to blame when the name's servers do not answer. */
  readonly party: string;
  readonly signal: AbortSignal;
}

export interface NameLookups {
  /** @throws the signal's reason, what the resolver said, or TooManyNames. */
  addressesOf(host: string, asker: Asker): Promise<readonly string[]>;
}

export interface LookupLimits {
  /** Names that are looked up at the same time. */
  readonly atOnce: number;
  /** Of these, names of parties whose names took long. */
  readonly ofSuspects: number;
  readonly resolve?: Resolve;
  readonly now?: () => number;
}

const MOST_WAITING = 200;
const LONG_MS = 1_000;
const SUSPECT_FOR_MS = 10 * 60_000;
const PARTIES_REMEMBERED = 1_000;

interface Wanted {
  readonly name: string;
  readonly found: PromiseWithResolvers<readonly string[]>;
  /** How many ask for it, of each party. */
  readonly askers: Tally;
  /** For whom it is looked up; undefined while it waits. */
  party: string | undefined;
}

/** Nobody was asked. */
export class TooManyNames extends Error {
  override readonly name = 'TooManyNames';

  constructor() {
    super('too many names wait to be looked up');
  }
}

/**
 * Looks names up as the system does (`/etc/hosts`, search domains), which occupies a thread of libuv's pool until the
 * system gives up, perhaps for half a minute, whatever becomes of whoever asked. So only a few are under way, one for
 * each party, and parties whose names took long share fewer. A name that several ask for is looked up for whichever of them
 * comes first. INVARIANT: what is asked and waits for nobody any more is never begun.
 */
export function createNameLookups(limits: LookupLimits): NameLookups {
  const { atOnce, ofSuspects, resolve = systemAddresses, now = () => performance.now() } = limits;
  const wanted = new Map<string, Wanted>();
  const suspectUntil = createLatest<number>(PARTIES_REMEMBERED);
  const servedAt = createLatest<number>(PARTIES_REMEMBERED);
  let served = 0;

  const isSuspect = (party: string) => (suspectUntil.get(party) ?? Number.NEGATIVE_INFINITY) > now();
  const waiting = () => [...wanted.values()].filter((one) => one.party === undefined);

  function next(): (() => void) | undefined {
    const busy = new Set([...wanted.values()].flatMap(({ party }) => party ?? []));
    if (busy.size >= atOnce) return undefined;
    const suspectsFull = [...busy].filter(isSuspect).length >= ofSuspects;
    let best: { readonly one: Wanted; readonly party: string } | undefined;
    for (const one of waiting()) {
      for (const party of one.askers.names()) {
        if (busy.has(party) || (suspectsFull && isSuspect(party))) continue;
        if (!best || (servedAt.get(party) ?? 0) < (servedAt.get(best.party) ?? 0)) best = { one, party };
      }
    }
    return best && (() => void run(best.one, best.party));
  }

  function begin(): void {
    for (let first = next(); first; first = next()) first();
  }

  async function run(one: Wanted, party: string): Promise<void> {
    one.party = party;
    served += 1;
    servedAt.set(party, served);
    const began = now();
    // Suspect already while it runs, so that no thread waits for another name of the same party.
    const late = setTimeout(() => suspect(party), LONG_MS);
    late.unref();
    try {
      one.found.resolve(await resolve(one.name));
    } catch (error) {
      one.found.reject(error);
    }
    clearTimeout(late);
    if (now() - began >= LONG_MS) suspect(party);
    wanted.delete(one.name);
    begin();
  }

  function suspect(party: string): void {
    suspectUntil.set(party, now() + SUSPECT_FOR_MS);
  }

  function ask(name: string, party: string): Wanted {
    const known = wanted.get(name);
    if (known) return known;
    if (wanted.size >= MOST_WAITING) makeRoomFor(party);
    const found = Promise.withResolvers<readonly string[]>();
    found.promise.catch(() => undefined);
    const one = { name, found, askers: createTally(), party: undefined };
    wanted.set(name, one);
    return one;
  }

  /** Gives up what the party with most names waiting asked last: nobody fills all the room there is. */
  function makeRoomFor(party: string): void {
    const held = createTally();
    const own = waiting().filter(({ askers }) => askers.names().length === 1);
    for (const { askers } of own) for (const name of askers.names()) held.add(name);
    const [most = party] = held.names().toSorted((a, b) => held.of(b) - held.of(a));
    const last = own.findLast(({ askers }) => askers.of(most) > 0);
    if (!last || held.of(most) <= held.of(party) + 1) throw new TooManyNames();
    wanted.delete(last.name);
    last.found.reject(new TooManyNames());
  }

  return {
    async addressesOf(host, { party, signal }) {
      const name = host.replace(/^\[|\]$/g, '');
      if (isIP(name) !== 0) return [name];
      signal.throwIfAborted();
      const one = ask(name, party);
      one.askers.add(party);
      begin();
      try {
        return await untilAborted(signal, one.found.promise);
      } finally {
        one.askers.takeAway(party);
        const isLeft = one.askers.total() === 0 && one.party === undefined;
        if (isLeft && wanted.get(name) === one) wanted.delete(name);
      }
    },
  };
}

const systemAddresses: Resolve = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);
