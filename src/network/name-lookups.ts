import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { untilAborted } from './until-aborted.ts';

/** Every address of a name. Whoever asks for an address gets that one. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export interface Asker {
  /** Who is to blame when the name's servers do not answer. */
  readonly party: string;
  readonly signal: AbortSignal;
}

export interface NameLookups {
  /** @throws the signal's reason, what the resolver said, or Error when too many wait. */
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
const SUSPECTS_REMEMBERED = 1_000;

interface Wanted {
  readonly name: string;
  readonly party: string;
  readonly found: PromiseWithResolvers<readonly string[]>;
  askers: number;
  running: boolean;
}

/**
 * Looks names up as the system does (`/etc/hosts`, search domains), which occupies a thread of libuv's pool until the
 * system gives up, perhaps for half a minute, whatever becomes of whoever asked. So only a few are under way, one for
 * each party, and parties whose names took long share fewer. INVARIANT: what is asked and waits for nobody any more is
 * never begun.
 */
export function createNameLookups(limits: LookupLimits): NameLookups {
  const { atOnce, ofSuspects, resolve = systemAddresses, now = () => performance.now() } = limits;
  const wanted = new Map<string, Wanted>();
  const suspectUntil = new Map<string, number>();
  const servedAt = new Map<string, number>();
  let served = 0;

  const isSuspect = (party: string) => (suspectUntil.get(party) ?? Number.NEGATIVE_INFINITY) > now();
  const running = () => [...wanted.values()].filter((one) => one.running);

  function next(): Wanted | undefined {
    const busy = running();
    if (busy.length >= atOnce) return undefined;
    const suspectsFull = busy.filter(({ party }) => isSuspect(party)).length >= ofSuspects;
    let best: Wanted | undefined;
    for (const one of wanted.values()) {
      if (one.running || busy.some(({ party }) => party === one.party)) continue;
      if (suspectsFull && isSuspect(one.party)) continue;
      if (!best || (servedAt.get(one.party) ?? 0) < (servedAt.get(best.party) ?? 0)) best = one;
    }
    return best;
  }

  function begin(): void {
    for (let one = next(); one; one = next()) void run(one);
  }

  async function run(one: Wanted): Promise<void> {
    one.running = true;
    served += 1;
    remember(servedAt, one.party, served);
    const began = now();
    // Suspect already while it runs, so that no thread waits for another name of the same party.
    const late = setTimeout(() => suspect(one.party), LONG_MS);
    late.unref();
    try {
      one.found.resolve(await resolve(one.name));
    } catch (error) {
      one.found.reject(error);
    }
    clearTimeout(late);
    if (now() - began >= LONG_MS) suspect(one.party);
    wanted.delete(one.name);
    begin();
  }

  function suspect(party: string): void {
    remember(suspectUntil, party, now() + SUSPECT_FOR_MS);
  }

  function ask(name: string, party: string): Wanted {
    const known = wanted.get(name);
    if (known) return known;
    if (wanted.size >= MOST_WAITING) throw new Error('too many names wait to be looked up');
    const one = { name, party, found: Promise.withResolvers<readonly string[]>(), askers: 0, running: false };
    one.found.promise.catch(() => undefined);
    wanted.set(name, one);
    return one;
  }

  return {
    async addressesOf(host, { party, signal }) {
      const name = host.replace(/^\[|\]$/g, '');
      if (isIP(name) !== 0) return [name];
      signal.throwIfAborted();
      const one = ask(name, party);
      one.askers += 1;
      begin();
      try {
        return await untilAborted(signal, one.found.promise);
      } finally {
        one.askers -= 1;
        if (one.askers === 0 && !one.running) wanted.delete(name);
      }
    },
  };
}

function remember(known: Map<string, number>, name: string, value: number): void {
  known.delete(name);
  known.set(name, value);
  const [oldest] = known.keys();
  if (known.size > SUSPECTS_REMEMBERED && oldest !== undefined) known.delete(oldest);
}

const systemAddresses: Resolve = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);
