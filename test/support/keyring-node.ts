import { createEncryption } from '../../src/crypto/encryption.ts';
import { createIds } from '../../src/crypto/ids.ts';
import { createKeyring, type Keyring } from '../../src/crypto/keyring.ts';
import type { SigningAlgorithm } from '../../src/crypto/signing-key.ts';
import type { KeyStore } from '../../src/app/ports/keys.ts';

/** Milliseconds that a new key of a test keyring is published before it signs. */
export const PUBLISH_AHEAD = 1_000;
/** Milliseconds that an old key of a test keyring verifies after the new one took over. */
export const VERIFY_AFTER = 10_000;

/** A clock that stands still until it is set. */
export interface ManualClock {
  time: number;
  now(): number;
}

export function createManualClock(time = 1_000_000): ManualClock {
  return {
    time,
    now() {
      return this.time;
    },
  };
}

/** The keyring of one node on the given store. */
export function keyringNode(
  keys: KeyStore,
  clock: ManualClock,
  options: {
    algorithm?: SigningAlgorithm;
    key?: Buffer;
    verifyAfterMs?: number;
    publishAheadMs?: number;
  } = {},
): Keyring {
  return createKeyring({
    keys,
    clock,
    encryption: createEncryption(options.key ?? Buffer.alloc(32, 1)),
    ids: createIds(),
    algorithm: options.algorithm ?? 'ES256',
    publishAheadMs: options.publishAheadMs ?? PUBLISH_AHEAD,
    verifyAfterMs: options.verifyAfterMs ?? VERIFY_AFTER,
  });
}
