const DECODER = new TextDecoder('utf-8', { fatal: true });

/** @throws TypeError for bytes that are not UTF-8: other decoders would put other letters in their place. */
export function readUtf8(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}
