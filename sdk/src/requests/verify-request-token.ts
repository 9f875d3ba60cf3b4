import { sha256, utf8 } from '../shared/encoding.ts';
import { isName } from './authorized-keys.ts';
import { algorithmOf, type CompactJws, readJws } from './compact-jws.ts';
import { sameBytes } from './content-digest.ts';
import { METHOD_OVERRIDES } from './coverage.ts';
import {
  fieldOf,
  isFetchRequest,
  type Message,
  type MessageHead,
  messageOf,
  receivedTarget,
  urlOf,
} from './message.ts';
import { taskTokenOf } from './presented-task-token.ts';
import { checkLifetime, type ReceiverOptions, spendOnce } from './receiver.ts';
import { RequestRefused } from './refused.ts';
import type { KeyAlgorithm } from './request-keys.ts';
import { hexSha256 } from './request-token.ts';
import { requireSigned, requireStillSigned } from './signed-by.ts';
import type { VerifiedHead, VerifiedRequest } from './verified.ts';

/** Whose request tokens are accepted, and what they must name. */
export interface TokenReceiverOptions extends ReceiverOptions {
  /** The name that callers know this service by. Default: the origin of `publicUrl`. */
  readonly audience?: string | undefined;
  /**
   * Accepts tokens without `aud`, `htm` and `htu`, as rotagent makes them. Such a token works at every receiver and
   * path that trusts its issuer: use it while callers are being moved, and not longer. What a token does say is checked
   * all the same. Default false; no environment variable changes it.
   */
  readonly compatible?: boolean | undefined;
}

const LONGEST_JTI = 256;
const BEARER = /^Bearer +(\S+)$/i;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/**
 * Checks a request with a request token (`createRequestToken`), and uses it up.
 * @throws RequestRefused
 */
export async function verifyRequestToken(
  request: Request | Message,
  options: TokenReceiverOptions,
): Promise<VerifiedRequest> {
  const message = isFetchRequest(request) ? await messageOf(request) : request;
  return (await verifyToken(message, options)).complete(message.body);
}

/**
 * Checks everything that stands in the head, in this order: form, what the token is for, its life, its key, its
 * signature, the task token. Nothing is stored.
 * @throws RequestRefused
 */
export async function verifyToken(head: MessageHead, options: TokenReceiverOptions): Promise<VerifiedHead> {
  const { requireTaskToken = false, now = Date.now } = options;
  const jws = presented(head);
  const { iss: issuer, iat, exp, jti, content_sha256: digest, ath } = jws.payload;
  const kid = jws.header['kid'];
  if (!isName(issuer) || (kid !== undefined && !isName(kid))) throw new RequestRefused('malformed');
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
    throw new RequestRefused('malformed');
  if (typeof digest !== 'string' || !HEX_SHA256.test(digest)) throw new RequestRefused('malformed');
  requirePurpose(jws, head, options);
  const taskToken = taskTokenOf(head, { requireTaskToken, inAuthorization: false });
  const { from, until } = checkLifetime({ from: iat, until: exp }, now);
  const isFor = (algorithm: KeyAlgorithm) => algorithm === algorithmOf(jws);
  const claim = { issuer, keyId: kid, isFor, data: jws.input, signature: jws.signature };
  const signer = await requireSigned(options, claim);
  await requireTaskTokenOf(ath, taskToken);
  return {
    async complete(body) {
      if (!sameBytes(utf8(digest), utf8(await hexSha256(body)))) throw new RequestRefused('body_changed');
      await requireStillSigned(options, claim, signer);
      await spendOnce(options, { profile: 'token', issuer, id: jti, until });
      return { issuer, keyId: kid, profile: 'token', id: jti, issuedAt: from, expiresAt: until, taskToken };
    },
  };
}

function presented({ headers }: MessageHead): CompactJws {
  const authorization = fieldOf(headers, 'authorization');
  const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
  if (token === undefined) throw new RequestRefused('signature_missing');
  const jws = readJws(token);
  if (!jws) throw new RequestRefused('malformed');
  // A JWT made for another purpose says so here (RFC 8725 §3.11): an access token is `at+jwt`, a proof `dpop+jwt`.
  if (jws.header['typ'] !== undefined && jws.header['typ'] !== 'JWT') throw new RequestRefused('malformed');
  return jws;
}

/** `aud`, `htm` and `htu`: each must be right, and must be there unless that is waived. */
function requirePurpose({ payload }: CompactJws, head: MessageHead, options: TokenReceiverOptions): void {
  const { publicUrl, audience = new URL(publicUrl).origin, compatible = false } = options;
  const { aud, htm, htu } = payload;
  // A token covers no fields, so nothing may say that the method is another one.
  if (METHOD_OVERRIDES.some((name) => fieldOf(head.headers, name) !== undefined))
    throw new RequestRefused('not_covered');
  const missing = [aud, htm, htu].some((claim) => claim === undefined);
  if (missing && !compatible) throw new RequestRefused('not_covered');
  if (aud !== undefined && aud !== audience) throw new RequestRefused('audience_mismatch');
  if (htm !== undefined && htm !== head.method) throw new RequestRefused('method_mismatch');
  if (htu !== undefined && htu !== urlOf(receivedTarget(publicUrl, head.url))) {
    throw new RequestRefused('url_mismatch');
  }
}

/** A task token that was not signed for could be somebody else's; one that was signed for must not be taken away. */
async function requireTaskTokenOf(ath: unknown, taskToken: string | undefined): Promise<void> {
  const expected = taskToken === undefined ? undefined : await sha256(taskToken);
  if (ath !== expected) throw new RequestRefused('task_token_mismatch');
}
