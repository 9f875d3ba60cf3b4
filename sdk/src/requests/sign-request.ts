import { randomText, utf8 } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { isName, keyIdOf } from './authorized-keys.ts';
import { contentDigest } from './content-digest.ts';
import { DEFAULT_LIFETIME, LONGEST_LIFETIME, requiredComponents, SIGNATURE_TAG } from './coverage.ts';
import { type Message, messageOf, targetOf } from './message.ts';
import { ALGORITHMS, type BoundKey, type KeyMaterial, privateKeyOf, sign } from './request-keys.ts';
import { signatureBase } from './signature-base.ts';
import { type BareItem, type InnerList, serializeBytes, serializeInnerList } from './structured-fields.ts';

/** Who signs, and with what. */
export interface SigningOptions {
  /** The name under which receivers know the key. */
  readonly issuer: string;
  /** PEM (PKCS #8), JWK or WebCrypto: P-256, Ed25519 or RSA. */
  readonly privateKey: KeyMaterial;
  /** Which of the issuer's keys it is. Default: `kid` of a JWK, none otherwise. */
  readonly keyId?: string | undefined;
  /** Seconds that the request may be used for, 1 to 120. Default 60. */
  readonly lifetime?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Who signs, with which key, and what is covered (RFC 9421). */
export interface SignatureOptions extends SigningOptions {
  /** Fields to cover beside the ones that always are. */
  readonly components?: readonly string[] | undefined;
  /** Default `taskgrant`. */
  readonly tag?: string | undefined;
}

/** Signs one request after the other with a key that is read once. */
export interface RequestSigner {
  /** The fields to add: `content-digest`, `signature-input` and `signature`. */
  headers(message: Message): Promise<Readonly<Record<string, string>>>;
  /** A copy of the request with these fields; its body is read to its end. */
  sign(request: Request): Promise<Request>;
}

/**
 * Signs a request (RFC 9421) with the digest of its body (RFC 9530), over method, authority, path, query, digest and
 * the task token.
 * @throws TaskgrantError `option_invalid` for a key or name that cannot be used, and for a request that is signed.
 */
export async function signRequest(request: Request, options: SignatureOptions): Promise<Request> {
  return (await createRequestSigner(options)).sign(request);
}

/** @throws TaskgrantError `option_invalid` */
export async function createRequestSigner(options: SignatureOptions): Promise<RequestSigner> {
  const key = await signingKeyOf(options);
  const headers = (message: Message) => signatureHeaders(message, key, options);
  return {
    headers,
    sign: async (request) => withHeaders(request, await headers(await messageOf(request))),
  };
}

/** A `fetch` that signs what it sends. */
export function signedFetch(
  signer: Pick<RequestSigner, 'sign'>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  // A redirect leads elsewhere, with a signature for here: it is handed to the caller instead of being followed.
  return async (input, init) => fetch(await signer.sign(new Request(input, { redirect: 'manual', ...init })));
}

/** The key, with the name it has at this issuer. @throws TaskgrantError `option_invalid` */
export async function signingKeyOf({
  issuer,
  privateKey,
  keyId,
  lifetime,
}: SigningOptions): Promise<BoundKey> {
  const key = await privateKeyOf(privateKey);
  const name = keyId ?? key.keyId;
  if (!isName(issuer) || (name !== undefined && !isName(name))) {
    throw new TaskgrantError(
      'option_invalid',
      'issuers and key ids are printable ASCII without # and spaces',
    );
  }
  if (
    lifetime !== undefined &&
    !(Number.isInteger(lifetime) && lifetime >= 1 && lifetime <= LONGEST_LIFETIME)
  ) {
    throw new TaskgrantError('option_invalid', `lifetime is 1 to ${LONGEST_LIFETIME} seconds`);
  }
  return { ...key, keyId: name };
}

/** A copy of the request with further fields. */
export function withHeaders(request: Request, more: Readonly<Record<string, string>>): Request {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(more)) {
    if (headers.has(name))
      throw new TaskgrantError('option_invalid', `the request has the field ${name} already`);
    headers.set(name, value);
  }
  return new Request(request, { headers });
}

async function signatureHeaders(
  message: Message,
  key: BoundKey,
  { issuer, lifetime = DEFAULT_LIFETIME, now = Date.now, components, tag = SIGNATURE_TAG }: SignatureOptions,
): Promise<Readonly<Record<string, string>>> {
  const digest = await contentDigest(message.body);
  const head = { ...message, headers: withField(message, 'content-digest', digest) };
  const created = Math.floor(now() / 1000);
  const covered: InnerList = {
    items: requiredComponents(head, components).map((value) => ({ value, parameters: new Map() })),
    parameters: new Map<string, BareItem>([
      ['created', created],
      ['expires', created + lifetime],
      ['nonce', randomText()],
      ['keyid', keyIdOf(issuer, key.keyId)],
      ['alg', ALGORITHMS[key.algorithm].signature],
      ['tag', tag],
    ]),
  };
  const signature = await sign(key, utf8(signatureBase(covered, head, targetOf(message.url))));
  return {
    'content-digest': digest,
    'signature-input': `${SIGNATURE_TAG}=${serializeInnerList(covered)}`,
    signature: `${SIGNATURE_TAG}=${serializeBytes(signature)}`,
  };
}

function withField({ headers }: Message, name: string, value: string): { get(name: string): string | null } {
  const fields = new Headers();
  const all = headers instanceof Headers ? headers : new Headers(Object.entries(headers).flatMap(lines));
  for (const [field, text] of all) fields.append(field, text);
  fields.set(name, value);
  return fields;
}

function lines([name, value]: [string, string | readonly string[] | undefined]): [string, string][] {
  return (Array.isArray(value) ? (value as readonly string[]) : [value as string | undefined])
    .filter((text): text is string => text !== undefined)
    .map((text) => [name, text]);
}
