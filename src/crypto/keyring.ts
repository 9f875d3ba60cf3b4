import type { JWK } from 'jose';
import type { Told } from '../app/unit-of-work.ts';
import { sharedRun } from '../domain/shared-run.ts';
import type { SigningKey } from './signing-key.ts';
import {
  createStoredKeys,
  type KeyPlan,
  type PlannedKey,
  type StoredKeys,
  type StoredKeysParts,
} from './stored-keys.ts';

export interface KeyringParts extends StoredKeysParts {
  /** How long a new key is published before it signs: longer than verifiers cache the JWKS. */
  readonly publishAheadMs: number;
}

/** A key that a start has made: the first of all, or the first of another algorithm. */
export interface EnsuredKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly first: boolean;
}

/** The signing keys as this node knows them. Synchronous calls read memory alone. */
export interface Keyring {
  /**
   * At start, before anything else: reads the keys and creates the first when there is none; a changed
   * algorithm begins a rotation. Any number of nodes may do so at once and agree on the key that signs.
   * A key that is made is stored together with what `tell` says of it, or not at all.
   * @throws Error `ENCRYPTION_KEY does not match the stored keys`.
   */
  ensure(tell?: (key: EnsuredKey) => Told): Promise<void>;
  /**
   * Reads the store again. True when the published keys or the signing key differ from those at the last
   * refresh() or ensure(), be it by another node or by the passing of time.
   */
  refresh(): Promise<boolean>;
  /** @throws Error before ensure(). */
  current(): SigningKey;
  /**
   * The published key of that name. An unknown one makes the node look in the store: another node may sign with it
   * since a moment ago. Rejects when the store does not answer.
   */
  find(kid: string): Promise<SigningKey | undefined>;
  /** JWK Set (RFC 7517 §5) of every key that verifies now or will. */
  publicJwks(): { keys: JWK[] };
  /** The same keys with their private parts, the signing key first. */
  privateJwks(): { keys: JWK[] };
  /**
   * Publishes a new key that signs from `now + publishAheadMs` and lets the earlier ones retire `verifyAfterMs`
   * after that. Nodes rotate by the same calendar: while a new key still waits, it is answered instead, unless this one
   * is to sign at once. A new key is stored together with what `tell` says of it, or not at all.
   */
  rotate(now: number, tell?: (kid: string) => Told): Promise<PlannedKey>;
  /** Deletes keys past their retirement and answers how many. */
  removeRetired(now: number): Promise<number>;
}

export function createKeyring(parts: KeyringParts): Keyring {
  const { clock } = parts;
  const stored = createStoredKeys(parts);
  // Anybody can send an unknown kid, so those who wait share a read, as those do who present unknown opaque tokens.
  const search = sharedRun(stored.load);
  let announced = '';

  const announce = (): boolean => {
    const before = announced;
    announced = fingerprint(stored);
    return announced !== before;
  };

  return {
    async ensure(tell) {
      const { algorithm } = parts;
      await stored.load();
      if (stored.newest()?.algorithm !== algorithm) {
        let first = false;
        const plan: KeyPlan = (newest) => {
          first = newest === undefined;
          return firstOrRotation(parts, clock.now())(newest);
        };
        await stored.add(plan, tell && ((kid) => tell({ kid, algorithm, first })));
      }
      announce();
    },
    async rotate(now, tell) {
      await stored.load();
      return stored.add(rotation(parts, now), tell);
    },
    async refresh() {
      await stored.load();
      return announce();
    },
    current() {
      const row = stored.signing();
      if (row === undefined) throw new Error('there is no signing key: the keyring was not started');
      return row.key;
    },
    async find(kid) {
      const found = published(stored, kid);
      if (found !== undefined) return found;
      await search();
      return published(stored, kid);
    },
    publicJwks: () => ({ keys: stored.published().map(({ key }) => ({ ...key.publicJwk })) }),
    privateJwks() {
      const first = stored.signing();
      const others = stored.published().filter((row) => row !== first);
      const rows = first === undefined ? others : [first, ...others];
      return { keys: rows.map(({ key }) => ({ ...key.privateJwk })) };
    },
    removeRetired: (now) => stored.removeRetired(now),
  };
}

/** At start: nodes that start together find the key of the first of them, and leave it at that. */
function firstOrRotation(parts: KeyringParts, now: number): KeyPlan {
  return (newest) => {
    if (newest === undefined) return { createdAt: now, activeFrom: now };
    return newest.algorithm === parts.algorithm ? { kid: newest.kid } : rotation(parts, now)(newest);
  };
}

function rotation({ algorithm, publishAheadMs }: KeyringParts, now: number): KeyPlan {
  return (newest) => {
    // After a leak nobody waits: not for a key that was there when the others were seen, either.
    if (publishAheadMs === 0) return { createdAt: now, activeFrom: now };
    const waits = newest !== undefined && newest.activeFrom > now && newest.algorithm === algorithm;
    if (waits) return { kid: newest.kid };
    // Later than every other key, even than one that waits: the newest is the one that signs in the end.
    return { createdAt: now, activeFrom: Math.max(now + publishAheadMs, (newest?.activeFrom ?? 0) + 1) };
  };
}

function published(stored: StoredKeys, kid: string): SigningKey | undefined {
  return stored.published().find((row) => row.kid === kid)?.key;
}

/** Changes whenever users of the JWK Sets must look again. */
function fingerprint(stored: StoredKeys): string {
  return JSON.stringify([stored.signing()?.kid, ...stored.published().map((row) => row.kid)]);
}
