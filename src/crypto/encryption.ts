import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** For secrets that must be read back: private keys, webhook secrets. */
export interface Encryption {
  /** `context` says what the text is and whose; the same one is needed to read it back. */
  encrypt(text: string, context: string): string;
  /** @throws DecryptionError when key, context or text differ from those of the encryption. */
  decrypt(encrypted: string, context: string): string;
}

export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

export const KEY_BYTES = 32;
const ALGORITHM = 'aes-256-gcm';
const VERSION = 'v1.';
/** NIST SP 800-38D §8.2: 96 random bits are safe for 2^32 messages under one key. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with the context as associated data, so that a ciphertext moved to another row does not decrypt.
 * Format: `v1.` + base64url(iv, ciphertext, tag). The key given is never used itself, only one derived from it.
 */
export function createEncryption(key: Buffer): Encryption {
  const derived = deriveKey(key, 'encryption at rest');
  return {
    encrypt(text, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, derived, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const parts = [iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return VERSION + Buffer.concat(parts).toString('base64url');
    },

    decrypt(encrypted, context) {
      if (!encrypted.startsWith(VERSION)) throw new DecryptionError('unknown format of an encrypted value');
      const bytes = Buffer.from(encrypted.slice(VERSION.length), 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) throw new DecryptionError('an encrypted value is too short');
      try {
        return open(derived, bytes, context);
      } catch (cause) {
        throw new DecryptionError('a value was encrypted with another key or changed since', { cause });
      }
    },
  };
}

function open(key: Buffer, bytes: Buffer, context: string): string {
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
    'utf8',
  );
}

/**
 * A 32-byte key for one purpose (HKDF with SHA-256, RFC 5869): cookie signatures, DPoP nonces. What is learnt of
 * one says nothing about the master key or the others.
 * @throws RangeError when the master key is not 32 bytes.
 */
export function deriveKey(master: Buffer, purpose: string): Buffer {
  if (master.length !== KEY_BYTES) throw new RangeError(`the master key must have ${KEY_BYTES} bytes`);
  return Buffer.from(hkdfSync('sha256', master, '', `taskgrant ${purpose}`, KEY_BYTES));
}
