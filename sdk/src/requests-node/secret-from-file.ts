// Reads a file: this part is for Node, Deno and Bun.
import { readFile } from 'node:fs/promises';
import type { SecretSource } from '../requests/shared-secret.ts';

/** How old what was read may be. */
const MAX_AGE_MS = 1_000;

/**
 * The shared secret of `InterAgentAuth` in a file, as orchestrators mount them: the secret alone, `{"secret_key": …}`, or
 * a list of two while it is being rotated, the new one first. A change is seen within a second, without a restart.
 */
export function secretFromFile(path: string): SecretSource {
  return { maxAge: MAX_AGE_MS, read: () => readFile(path, 'utf8') };
}
