const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** Bytes of one coordinate of P-256. */
const SIZE = 32;

/**
 * An ECDSA signature over P-256 as JWS carries it, R and S side by side in 32 bytes each (RFC 7518 §3.4), from the DER
 * that OpenSSL makes: a SEQUENCE of two INTEGERs (RFC 3279 §2.2.3), whose lengths fit into one byte each.
 * @throws Error for anything else.
 */
export function joseSignature(der: Uint8Array): Buffer {
  const joined = Buffer.alloc(2 * SIZE);
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) throw malformed();
  const next = readInteger(der, 2, joined, SIZE);
  if (readInteger(der, next, joined, 2 * SIZE) !== der.length) throw malformed();
  return joined;
}

/** Writes the integer at `start` so that it ends before `end`; answers where the next value starts. */
function readInteger(der: Uint8Array, start: number, joined: Buffer, end: number): number {
  const length = der[start + 1] ?? 0;
  const from = start + 2;
  // One byte more: a zero keeps a number with its highest bit set from being read as a negative one.
  const digits = length === SIZE + 1 && der[from] === 0 ? SIZE : length;
  if (der[start] !== INTEGER || digits < 1 || digits > SIZE || from + length > der.length) throw malformed();
  joined.set(der.subarray(from + length - digits, from + length), end - digits);
  return from + length;
}

function malformed(): Error {
  return new Error('the ECDSA signature is not the DER of two P-256 integers');
}
