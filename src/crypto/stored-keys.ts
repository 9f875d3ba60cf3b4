import type { Clock, Ids } from '../app/ports.ts';
import type { KeyStore, StoredKey } from '../app/ports/keys.ts';
import type { Told } from '../app/unit-of-work.ts';
import { DecryptionError, type Encryption } from './encryption.ts';
import { published, schedule, signing } from './key-schedule.ts';
import {
  generateSigningKey,
  openSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  sealSigningKey,
} from './signing-key.ts';

export interface StoredKeysParts {
  readonly keys: KeyStore;
  readonly encryption: Encryption;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Of new keys; the stored ones keep theirs. */
  readonly algorithm: SigningAlgorithm;
  /** How long a key verifies after it stopped signing: at least the longest life of a signed token. */
  readonly verifyAfterMs: number;
}

/** A row with its key opened. */
export type OpenedKey = StoredKey & { readonly key: SigningKey };

/** Decides, on the rows of the moment, what key is made, or which one will do. Milliseconds since the epoch. */
export type KeyPlan = (
  newest: StoredKey | undefined,
) => { readonly createdAt: number; readonly activeFrom: number } | { readonly kid: string };

/** The key that a plan ended with, and whether it was made for it. */
export interface PlannedKey {
  readonly kid: string;
  readonly made: boolean;
}

/** The rows of the key store as last read, and the writes that keep them in order. */
export interface StoredKeys {
  /** @throws Error `ENCRYPTION_KEY does not match the stored keys`; what was known before stays known. */
  load(): Promise<void>;
  /**
   * Inserts the key that `plan` wants with what is told of it, lets the earlier ones retire after it, and loads.
   * INVARIANT: no two nodes plan at once, so the second sees what the first has made.
   */
  add(plan: KeyPlan, tell?: (kid: string) => Told): Promise<PlannedKey>;
  removeRetired(now: number): Promise<number>;
  /** Oldest first. */
  published(): readonly OpenedKey[];
  signing(): OpenedKey | undefined;
  newest(): OpenedKey | undefined;
}

export function createStoredKeys(parts: StoredKeysParts): StoredKeys {
  const { keys, encryption, clock, verifyAfterMs } = parts;
  let rows: readonly OpenedKey[] = [];
  let started = 0;
  let applied = 0;

  const load = async (): Promise<void> => {
    started += 1;
    const turn = started;
    const read = published(schedule(await keys.all(), verifyAfterMs), clock.now());
    const opened = read.map((row) => ({ ...row, key: reuse(rows, row) ?? open(row, encryption) }));
    // Two loads may overlap: what was read earlier must not replace what was read later.
    if (turn < applied) return;
    applied = turn;
    rows = opened;
  };

  return {
    load,
    async add(plan, tell) {
      const planned = await keys.exclusively(async (exclusive) => {
        const added = await addPlanned({ ...parts, keys: exclusive }, plan);
        if (added.made && tell) await exclusive.record(tell(added.kid));
        return added;
      });
      await load();
      return planned;
    },
    async removeRetired(now) {
      const all = schedule(await keys.all(), verifyAfterMs);
      const alive = new Set(published(all, now));
      const retired = all.filter((row) => !alive.has(row));
      for (const row of retired) await keys.remove(row.kid);
      await load();
      return retired.length;
    },
    published: () => published(rows, clock.now()),
    signing: () => signing(rows, clock.now()),
    newest: () => rows.at(-1),
  };
}

async function addPlanned(parts: StoredKeysParts, plan: KeyPlan): Promise<PlannedKey> {
  const { keys, clock, verifyAfterMs } = parts;
  const planned = plan(published(schedule(await keys.all(), verifyAfterMs), clock.now()).at(-1));
  if ('kid' in planned) return { kid: planned.kid, made: false };
  await bringForward(keys, planned.activeFrom);
  const kid = await insert(parts, planned);
  await retireSuperseded(keys, verifyAfterMs);
  return { kid, made: true };
}

async function insert(
  parts: StoredKeysParts,
  { createdAt, activeFrom }: { readonly createdAt: number; readonly activeFrom: number },
): Promise<string> {
  const key = await generateSigningKey(parts.ids.next(), parts.algorithm);
  await parts.keys.insert({
    kid: key.kid,
    algorithm: key.algorithm,
    publicJwk: { ...key.publicJwk },
    encryptedPrivateJwk: sealSigningKey(key, parts.encryption),
    createdAt,
    activeFrom,
    retiresAt: null,
  });
  return key.kid;
}

/** Keys that would take over from the next one have had their turn just before it: what they signed still verifies. */
async function bringForward(keys: KeyStore, next: number): Promise<void> {
  for (const row of await keys.all()) {
    if (row.activeFrom < next) continue;
    await keys.remove(row.kid);
    await keys.insert({ ...row, activeFrom: next - 1 });
  }
}

/** The schedule says the same without it; written down, the times outlast a change of the settings. */
async function retireSuperseded(keys: KeyStore, verifyAfterMs: number): Promise<void> {
  const all = await keys.all();
  const openEnded = new Set(all.filter((row) => row.retiresAt === null).map((row) => row.kid));
  for (const row of schedule(all, verifyAfterMs)) {
    if (row.retiresAt !== null && openEnded.has(row.kid)) await keys.retire(row.kid, row.retiresAt);
  }
}

/** An unchanged row keeps its opened key: no decryption every few seconds, and imports stay cached on it. */
function reuse(known: readonly OpenedKey[], row: StoredKey): SigningKey | undefined {
  const same = known.find(
    (one) => one.kid === row.kid && one.encryptedPrivateJwk === row.encryptedPrivateJwk,
  );
  return same?.key;
}

function open(row: StoredKey, encryption: Encryption): SigningKey {
  try {
    return openSigningKey(row, encryption);
  } catch (cause) {
    if (!(cause instanceof DecryptionError)) throw cause;
    throw new Error('ENCRYPTION_KEY does not match the stored keys', { cause });
  }
}
