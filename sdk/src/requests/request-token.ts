import { randomText, sha256, utf8 } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { signJws } from './compact-jws.ts';
import { DEFAULT_LIFETIME } from './coverage.ts';
import { messageOf, TASK_TOKEN_FIELD, targetOf, urlOf } from './message.ts';
import type { BoundKey } from './request-keys.ts';
import { type SigningOptions, signingKeyOf, withHeaders } from './sign-request.ts';

/** What a request token is made for. */
export interface RequestTokenSubject {
  readonly method: string;
  /** Absolute, with its query. */
  readonly url: string;
  /** The body byte for byte, as it is sent. */
  readonly body: Uint8Array<ArrayBuffer> | string;
  /** Sent beside it in the field `Task-Token`; the token is made for it too. */
  readonly taskToken?: string | undefined;
}

/** Who makes a token for one request, with which key, and for whom. */
export interface RequestTokenOptions extends SigningOptions {
  /** The name of the receiver. Default: the origin of the URL. */
  readonly audience?: string | undefined;
}

/** Makes request tokens with a key that is read once. */
export interface RequestTokenSigner {
  /** The token alone, for `Authorization: Bearer`. */
  token(subject: RequestTokenSubject): Promise<string>;
  /**
   * A copy of the request with the token as its `Authorization`; its body is read to its end.
   * @throws TaskgrantError `option_invalid` for a request that has one: a task token belongs into `taskToken`.
   */
  sign(request: Request, taskToken?: string): Promise<Request>;
}

/**
 * A JWT for one request, as rotagent knows them: `iss`, `iat`, `exp` (60 s), `jti` and `content_sha256`, the hex SHA-256
 * of the raw body. With `aud`, `htm` and `htu` (RFC 9449 §4.2, here with the query), so that it works for no other
 * receiver, method or URL, and `ath` of the task token when there is one.
 * @throws TaskgrantError `option_invalid`
 */
export async function createRequestToken(
  subject: RequestTokenSubject,
  options: RequestTokenOptions,
): Promise<string> {
  return (await createRequestTokenSigner(options)).token(subject);
}

/** @throws TaskgrantError `option_invalid` */
export async function createRequestTokenSigner(options: RequestTokenOptions): Promise<RequestTokenSigner> {
  const key = await signingKeyOf(options);
  const token = (subject: RequestTokenSubject) => tokenFor(subject, key, options);
  return {
    token,
    async sign(request, taskToken) {
      const { method, url, body } = await messageOf(request);
      const authorization = `Bearer ${await token({ method, url, body, taskToken })}`;
      return withHeaders(request, {
        authorization,
        ...(taskToken === undefined ? {} : { [TASK_TOKEN_FIELD]: taskToken }),
      });
    },
  };
}

/** What `sendSecureRequest` sends, to whom and in whose name. */
export interface SecureRequest {
  readonly url: string;
  /** Sent as JSON. */
  readonly payload: unknown;
  readonly issuerId: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
  readonly audience?: string | undefined;
  readonly taskToken?: string | undefined;
  /** Milliseconds until it is given up. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Posts JSON to an agent with a request token: `OrchestratorClient.send_secure_request` of rotagent. */
export async function sendSecureRequest(request: SecureRequest): Promise<Response> {
  const { url, payload, issuerId: issuer, privateKeyPem: privateKey, audience, taskToken } = request;
  const { timeout = 10_000, fetch = globalThis.fetch } = request;
  const signer = await createRequestTokenSigner({ issuer, privateKey, audience });
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payload),
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  } as const;
  return fetch(await signer.sign(new Request(url, init), taskToken));
}

async function tokenFor(
  { method, url, body, taskToken }: RequestTokenSubject,
  key: BoundKey,
  { issuer, audience, lifetime = DEFAULT_LIFETIME, now = Date.now }: RequestTokenOptions,
): Promise<string> {
  const target = targetOf(url);
  const issuedAt = Math.floor(now() / 1000);
  if (audience === '') throw new TaskgrantError('option_invalid', 'audience must not be empty');
  return signJws(
    key,
    { typ: 'JWT' },
    {
      iss: issuer,
      aud: audience ?? `${target.scheme}://${target.authority}`,
      iat: issuedAt,
      exp: issuedAt + lifetime,
      jti: randomText(),
      htm: method,
      htu: urlOf(target),
      content_sha256: await hexSha256(typeof body === 'string' ? utf8(body) : body),
      ...(taskToken === undefined ? {} : { ath: await sha256(taskToken) }),
    },
  );
}

/** SHA-256 in lower-case hexadecimal. */
export async function hexSha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
