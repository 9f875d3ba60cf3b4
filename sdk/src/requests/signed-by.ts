import { keysFor, type ReceiverOptions } from './receiver.ts';
import { RequestRefused } from './refused.ts';
import { type BoundKey, type KeyAlgorithm, verify } from './request-keys.ts';

/** What a request says of its signature. */
export interface SignatureClaim {
  readonly issuer: string;
  readonly keyId: string | undefined;
  /** Whether the algorithm that the request names is the one of such keys. */
  readonly isFor: (algorithm: KeyAlgorithm) => boolean;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * The issuer's key that signed it. INVARIANT: the algorithm is the key's; what the request says only has to agree.
 * @throws RequestRefused `key_unknown`, `algorithm_refused`, `signature_invalid`, `unavailable`
 */
export async function requireSigned(
  options: Pick<ReceiverOptions, 'keys'>,
  claim: SignatureClaim,
): Promise<BoundKey> {
  return signerAmong(await keysFor(options, claim.issuer, claim.keyId), claim);
}

/**
 * The same once more when time has passed: a key may be removed while a body is on its way. Costs no signature as long
 * as the keys are those from before.
 * @throws RequestRefused as above
 */
export async function requireStillSigned(
  options: Pick<ReceiverOptions, 'keys'>,
  claim: SignatureClaim,
  signer: BoundKey,
): Promise<void> {
  const keys = await keysFor(options, claim.issuer, claim.keyId);
  if (!keys.some(({ key }) => key === signer.key)) await signerAmong(keys, claim);
}

async function signerAmong(
  keys: readonly BoundKey[],
  { isFor, data, signature }: SignatureClaim,
): Promise<BoundKey> {
  const able = keys.filter(({ algorithm }) => isFor(algorithm));
  if (able.length === 0) throw new RequestRefused('algorithm_refused');
  for (const key of able) if (await verify(key, data, signature)) return key;
  throw new RequestRefused('signature_invalid');
}
