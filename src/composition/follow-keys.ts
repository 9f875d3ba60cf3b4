import type { Keyring } from '../crypto/keyring.ts';
import { sharedRun } from '../domain/shared-run.ts';

/**
 * Brings this node up to the keys of the store; calls at the same time share the work.
 * @param changed called when the published keys or the signing key are no longer the same.
 * @returns a function that rejects when the store does not answer.
 */
export function keyFollower(keyring: Keyring, changed: () => void): () => Promise<void> {
  return sharedRun(async () => {
    if (await keyring.refresh()) changed();
  });
}
