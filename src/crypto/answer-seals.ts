import { createHmac, hkdfSync } from 'node:crypto';
import type { AnswerSeals } from '../app/ports/idempotency.ts';
import { createEncryption, deriveKey, KEY_BYTES } from './encryption.ts';

/**
 * Everything is derived from the master key and from the name (HKDF with SHA-256, RFC 5869): neither the database with
 * the master key nor the database with a guess of the body is enough to read an answer, or to learn what was sent.
 */
export function createAnswerSeals(master: Buffer): AnswerSeals {
  const base = deriveKey(master, 'idempotent answers');
  return (name) => {
    const part = (purpose: string) => Buffer.from(hkdfSync('sha256', base, name, purpose, KEY_BYTES));
    const id = part('id').toString('base64url');
    const encryption = createEncryption(part('answer'));
    return {
      id,
      fingerprint: (text) => createHmac('sha256', part('fingerprint')).update(text).digest('base64url'),
      seal: (text) => encryption.encrypt(text, id),
      unseal: (sealed) => encryption.decrypt(sealed, id),
    };
  };
}
