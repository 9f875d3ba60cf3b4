import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import { sha256 } from '../shared/encoding.ts';
import type { DpopNonces } from './dpop-nonces.ts';
import type { Replays } from './replays.ts';
import { headerOf, pathOf, type ResourceRequest } from './request.ts';

/** Why a proof is refused; `nonce` is the one that it must carry. */
export interface ProofFault {
  readonly why: string;
  readonly nonce?: string;
}

export interface DpopParts {
  /** What proofs may be signed with; asymmetric only. */
  readonly algorithms: readonly string[];
  /** How far `iat` may lie from now. */
  readonly windowSeconds: number;
  readonly replays: Replays;
  readonly nonces: DpopNonces | undefined;
  /** Where clients reach the API: origin, and the path that stands before every path of a request. */
  readonly publicUrl: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What a request has proved, by its headers: several guards in front of one handler use its proof up once. */
  readonly proved: WeakMap<object, string>;
}

const LONGEST_PROOF = 8192;
const LONGEST_JTI = 256;

/**
 * RFC 9449 §4.3 and §7.1: one proof, signed with its own key, for this method, this URL and this access token, recent,
 * never used before.
 * @returns undefined when the proof is that of the key `thumbprint`.
 */
export async function checkProof(
  parts: DpopParts,
  request: ResourceRequest,
  token: string,
  thumbprint: string,
): Promise<ProofFault | undefined> {
  const proof = headerOf(request, 'dpop');
  if (proof === undefined) return { why: 'the DPoP proof is missing' };
  const read = await readProof(proof, parts.algorithms);
  if (!read) return { why: 'it is not one DPoP proof signed with its own key' };
  const why =
    read.thumbprint === thumbprint ? claimFault(parts, request, read.payload) : 'it is of another key';
  if (why !== undefined) return { why };
  if (read.payload['ath'] !== (await sha256(token)))
    return { why: 'ath is not the hash of the access token' };
  if (parts.nonces && !(await parts.nonces.accepts(read.payload['nonce']))) {
    return { why: 'the nonce is missing or too old', nonce: await parts.nonces.current() };
  }
  // Last of all: a proof that fails a check must not spend the jti of a good one.
  const key = await sha256(`${thumbprint} ${String(read.payload.jti)}`);
  if (parts.proved.get(request.headers) === key) return undefined;
  const until = parts.now() + 2 * parts.windowSeconds * 1000;
  if (!(await parts.replays.spend(key, until))) return { why: 'it was used before' };
  parts.proved.set(request.headers, key);
  return undefined;
}

async function readProof(proof: string, algorithms: readonly string[]) {
  if (proof.length > LONGEST_PROOF) return undefined;
  try {
    const options = { algorithms: [...algorithms], typ: 'dpop+jwt' };
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options);
    if (!protectedHeader.jwk) return undefined;
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk) };
  } catch {
    return undefined;
  }
}

function claimFault(parts: DpopParts, request: ResourceRequest, payload: JWTPayload): string | undefined {
  const { jti, iat, htm, htu } = payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) return 'jti is missing';
  if (typeof iat !== 'number' || Math.abs(parts.now() / 1000 - iat) > parts.windowSeconds) {
    return 'iat is not recent';
  }
  if (htm !== request.method) return 'htm is another method';
  const expected = withoutQuery(`${parts.publicUrl}${pathOf(request.url)}`);
  return expected !== undefined && withoutQuery(htu) === expected ? undefined : 'htu is another URL';
}

/** RFC 9449 §4.3: compared without query and fragment, after the normalisation of RFC 3986 §6.2.2 and §6.2.3. */
function withoutQuery(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const { origin, pathname } = new URL(text);
    return `${origin}${pathname}`;
  } catch {
    return undefined;
  }
}
