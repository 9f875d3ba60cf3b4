/**
 * Why a signed request is refused, for logs and tests. Closed. Whoever sent the request is told none of it.
 *
 * | Reason | |
 * |---|---|
 * | `signature_missing` | there is no signature, or no request token, of the kinds that are accepted |
 * | `malformed` | it cannot be read strictly, or is too large |
 * | `not_covered` | something that must be signed is not |
 * | `lifetime_invalid` | no beginning or end, or longer than is accepted |
 * | `from_the_future`, `expired` | by the receiver's clock |
 * | `audience_mismatch`, `method_mismatch`, `url_mismatch` | a request token made for something else |
 * | `key_unknown` | the issuer, or this key of it, is not authorized (any more) |
 * | `algorithm_refused` | not the one that the key is for |
 * | `signature_invalid` | not the issuer's signature of this request |
 * | `task_token_missing` | the receiver wants a task token, and none came |
 * | `task_token_mismatch` | the task token is not the one that was signed for |
 * | `body_too_large`, `body_changed` | |
 * | `replayed` | it was used before |
 * | `unavailable` | keys or the replay store cannot be asked, so nobody is let in |
 */
export type RequestRefusalReason =
  | 'signature_missing'
  | 'malformed'
  | 'not_covered'
  | 'lifetime_invalid'
  | 'from_the_future'
  | 'expired'
  | 'audience_mismatch'
  | 'method_mismatch'
  | 'url_mismatch'
  | 'key_unknown'
  | 'algorithm_refused'
  | 'signature_invalid'
  | 'task_token_missing'
  | 'task_token_mismatch'
  | 'body_too_large'
  | 'body_changed'
  | 'replayed'
  | 'unavailable';

/** A request that must not be acted on. Holds no part of the request. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly reason: RequestRefusalReason;
  /** 401, or 503 when nothing can be said about the request now. */
  readonly status: 401 | 503;

  constructor(reason: RequestRefusalReason, cause?: unknown) {
    super(`the request is refused: ${reason}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.status = reason === 'unavailable' ? 503 : 401;
  }
}

/** An answer as every framework can send it. */
export interface RefusalAnswer {
  readonly status: 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string | number>>;
}

/** INVARIANT: the same for every reason, so that nobody finds out by trying which check came how far. */
export function refusalAnswer({ status }: Pick<RequestRefused, 'status'>): RefusalAnswer {
  const code = status === 401 ? 'request_refused' : 'unavailable';
  const detail =
    status === 401 ? 'the request is not signed as it must be' : 'signatures cannot be checked now';
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Signature' } : { 'retry-after': '5' }),
    },
    body: {
      type: `urn:taskgrant:problem:${code}`,
      title: 'The request was not accepted',
      status,
      detail,
      code,
    },
  };
}
