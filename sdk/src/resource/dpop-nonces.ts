import { base64url, utf8 } from '../shared/encoding.ts';

/** Nonces that proofs must carry (RFC 9449 §9): the client cannot make proofs in advance then. */
export interface DpopNonces {
  /** One that works for a while from now on. */
  current(): Promise<string>;
  accepts(nonce: unknown): Promise<boolean>;
}

/** How nonces for DPoP proofs are made. */
export interface DpopNonceOptions {
  /** At least 32 bytes, shared by all processes behind one address. */
  readonly secret: Uint8Array;
  /** How long a nonce works at least; at most twice as long. Default 120. */
  readonly seconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const FORM = /^([0-9a-z]{1,12})\.([A-Za-z0-9_-]{43})$/;

/** Nonces that need no store: the number of a time slot and its HMAC. @throws TypeError for a secret that is too short */
export function dpopNonces({ secret, seconds = 120, now = Date.now }: DpopNonceOptions): DpopNonces {
  if (secret.length < 32) throw new TypeError('the secret of DPoP nonces must have at least 32 bytes');
  let imported: ReturnType<typeof crypto.subtle.importKey> | undefined;
  const key = () => {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    imported ??= crypto.subtle.importKey('raw', new Uint8Array(secret), algorithm, false, ['sign', 'verify']);
    return imported;
  };
  const slotNow = () => Math.floor(now() / (seconds * 1000));
  return {
    async current() {
      const slot = slotNow().toString(36);
      return `${slot}.${base64url(await crypto.subtle.sign('HMAC', await key(), utf8(slot)))}`;
    },
    async accepts(nonce) {
      const [, slot = '', mac = ''] = typeof nonce === 'string' ? (FORM.exec(nonce) ?? []) : [];
      const age = slotNow() - Number.parseInt(slot, 36);
      if (age !== 0 && age !== 1) return false;
      // Constant time, as WebCrypto promises for HMAC.
      return crypto.subtle.verify('HMAC', await key(), bytesOf(mac), utf8(slot));
    },
  };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
