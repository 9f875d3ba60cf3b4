import { setImmediate } from 'node:timers/promises';
import { type Dependency, endedBy, handleKey, tokenDependencies } from '../../domain/revocation.ts';
import { DomainError } from '../../domain/errors.ts';
import type { AppContext } from '../context.ts';
import type { EntryPlace, StatusEntry, StatusListRow } from '../ports/status-lists.ts';

/** A signed status list (draft-ietf-oauth-status-list-21 §5.1). */
export interface StatusListToken {
  readonly token: string;
  /** Milliseconds since the epoch: until then the server answers the same. */
  readonly until: number;
}

export interface StatusListParts {
  readonly context: Pick<AppContext, 'store' | 'clock' | 'settings' | 'statements'>;
  /** Places of a list. */
  readonly capacity: number;
  /** How old what a list says may be at most, in seconds: half of it here, half of it where it is used. */
  readonly maxAgeSeconds: number;
  /** ZLIB data format (RFC 1950) in base64url. */
  readonly compress: (bytes: Uint8Array) => Promise<string>;
}

export interface StatusListSource {
  /** @throws DomainError `not_found`. */
  read(id: string): Promise<StatusListToken>;
}

/** Tokens that are looked at between two looks at what else there is to do. */
const AT_ONCE = 500;
/** Resource servers whose clocks are late still ask about a token that has just expired. */
const CLOCKS_DIFFER_MS = 300_000;
const MOST_KEPT = 64;

/** Where a status list is found, as tokens name it. */
export function statusListUri(issuer: string, id: string): string {
  return new URL(`/api/status-lists/${id}`, issuer).href;
}

/**
 * Status lists, made when they are asked for, from the ledger and the lineage of their tokens, and kept for half of
 * `maxAgeSeconds`. All who ask meanwhile wait for the same one.
 */
export function createStatusListSource(parts: StatusListParts): StatusListSource {
  const { context, maxAgeSeconds } = parts;
  const kept = new Map<
    string,
    { readonly made: Promise<StatusListToken>; readonly since: number; until: number }
  >();

  async function make(id: string): Promise<StatusListToken> {
    const list = await context.store.statusLists.byId(id);
    if (!list) throw new DomainError('not_found', 'there is no such status list');
    // Before anything is read: what the list says was true then, or came later.
    const at = context.clock.now();
    const bytes = await readBits(parts, list, at);
    const ttl = Math.max(1, Math.floor(maxAgeSeconds / 2));
    const iat = Math.floor(at / 1000);
    const token = await context.statements.sign('statuslist+jwt', {
      iss: context.settings.issuer,
      sub: statusListUri(context.settings.issuer, id),
      iat,
      exp: iat + maxAgeSeconds,
      ttl,
      status_list: { bits: 1, lst: await parts.compress(bytes) },
    });
    return { token, until: at + (maxAgeSeconds - ttl) * 1000 };
  }

  return {
    read(id) {
      const now = context.clock.now();
      const known = kept.get(id);
      // Not one that seems to be made later: the clock was set back, and the list would be as old as it likes.
      if (known && known.since <= now && known.until > now) return known.made;
      for (const [old, { until }] of kept) if (until <= now || kept.size >= MOST_KEPT) kept.delete(old);
      const entry = { made: make(id), since: now, until: Number.POSITIVE_INFINITY };
      kept.set(id, entry);
      entry.made.then(
        ({ until }) => {
          entry.until = until;
        },
        () => kept.delete(id),
      );
      return entry.made;
    },
  };
}

/** One bit for each place, the least significant first (§4.1): set where anything that the token rests on has ended. */
async function readBits(
  { context: { store }, capacity }: StatusListParts,
  list: StatusListRow,
  at: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(capacity / 8);
  let after: EntryPlace | undefined;
  do {
    const page = await store.statusLists.entries(list, { now: at - CLOCKS_DIFFER_MS, limit: AT_ONCE, after });
    for (const index of await endedIndexes(store, page.entries)) {
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
    }
    after = page.next;
    // The embedded database answers at once, and nobody would get a turn.
    await setImmediate();
  } while (after);
  return bytes;
}

async function endedIndexes(
  { ledger }: Pick<AppContext['store'], 'ledger'>,
  entries: readonly StatusEntry[],
): Promise<readonly number[]> {
  const resting = entries.map(({ index, token, task }) => ({
    index,
    dependencies: tokenDependencies(token, task),
  }));
  const rows = await ledger.among(distinct(resting.flatMap(({ dependencies }) => dependencies)));
  if (rows.length === 0) return [];
  const byHandle = Map.groupBy(rows, handleKey);
  return resting
    .filter(({ dependencies }) => {
      const own = dependencies.flatMap((one) => byHandle.get(handleKey(one)) ?? []);
      return own.length > 0 && endedBy(dependencies, own) !== undefined;
    })
    .map(({ index }) => index);
}

/** Tokens of one agent rest on much the same. */
function distinct(dependencies: readonly Dependency[]): readonly Dependency[] {
  return [...new Map(dependencies.map((one) => [handleKey(one), one])).values()];
}
