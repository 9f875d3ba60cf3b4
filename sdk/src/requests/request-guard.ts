import { TaskgrantError } from '../shared/errors.ts';
import { tell } from '../shared/tell.ts';
import { fieldOf, type MessageHead } from './message.ts';
import { type RefusalAnswer, refusalAnswer, RequestRefused } from './refused.ts';
import type { VerifiedHead, VerifiedRequest } from './verified.ts';
import { type SignatureReceiverOptions, verifySignature } from './verify-request.ts';
import { type TokenReceiverOptions, verifyToken } from './verify-request-token.ts';

/** What a guard accepts, from whom, and whom it tells of what it refused. */
export interface RequestGuardOptions extends SignatureReceiverOptions, TokenReceiverOptions {
  /** What is accepted. Default: `signature` (RFC 9421) alone. */
  readonly profiles?: readonly ('signature' | 'token')[] | undefined;
  /** Bytes of a body. Default 1 MiB. */
  readonly bodyLimit?: number | undefined;
  /** Told of every refusal, for the receiver's own log; what it throws is ignored. */
  readonly onRefused?: ((refused: RequestRefused) => void) | undefined;
}

/** A request that may go on, with the body that was checked. */
export interface PassedRequest {
  readonly passed: true;
  readonly request: VerifiedRequest;
  readonly body: Uint8Array<ArrayBuffer>;
}
/** One that may not, and the whole answer to it. */
export interface StoppedRequest {
  readonly passed: false;
  readonly answer: RefusalAnswer;
}

/** Checks requests for one service. The adapters for frameworks are made from it. */
export interface RequestGuard {
  /**
   * Checks the head, only then reads the body, then checks it and uses the request up: strangers cannot make the service
   * read and hash what they send.
   * @param read the raw body, or RequestRefused `body_too_large` when it is longer than the limit.
   */
  check(
    head: MessageHead,
    read: (limit: number) => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<PassedRequest | StoppedRequest>;
}

const MIB = 1024 * 1024;

/**
 * A guard for signed requests: the head is checked before the body is read, the replay after everything else.
 * @throws TaskgrantError `option_invalid` when `publicUrl` is no http(s) URL
 */
export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const { bodyLimit = MIB, onRefused, publicUrl } = options;
  if (!URL.canParse(publicUrl) || !/^https?:/i.test(publicUrl))
    throw new TaskgrantError('option_invalid', 'publicUrl must be an http(s) URL');
  return {
    async check(head, read) {
      try {
        const verified = await verifyHead(head, options);
        const body = await read(bodyLimit);
        return { passed: true, request: await verified.complete(body), body };
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        tell(onRefused, error);
        return { passed: false, answer: refusalAnswer(error) };
      }
    },
  };
}

/** Which profile a request claims to follow; one that is not accepted is as good as none. */
function verifyHead(head: MessageHead, options: RequestGuardOptions): Promise<VerifiedHead> {
  const { profiles = ['signature'] } = options;
  const signed = fieldOf(head.headers, 'signature-input') !== undefined;
  if (signed && profiles.includes('signature')) return verifySignature(head, options);
  if (!signed && profiles.includes('token')) return verifyToken(head, options);
  return Promise.reject(new RequestRefused('signature_missing'));
}

/** Reads a body up to the limit. @throws RequestRefused `body_too_large` */
export async function readBounded(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Not `for await`: leaving that early destroys the stream of Node, and with it the connection for the answer.
  const iterator = chunks[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    length += next.value.length;
    if (length > limit) {
      throwAway(iterator).catch(() => undefined);
      throw new RequestRefused('body_too_large');
    }
    parts.push(next.value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** What is left of a body: the next request on its connection stands behind it (RFC 9112 §9.3). */
async function throwAway(rest: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await rest.next()).done !== true);
}
