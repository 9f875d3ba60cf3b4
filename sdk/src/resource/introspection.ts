import { type Access, isRecord, readAccess } from './access.ts';
import { basicAuthorization, type CredentialsSource } from './credentials.ts';
import type { TokenDigest } from './token-digest.ts';

/** What the server says of a token (RFC 7662): its access, or undefined when it is not live or not for this API. */
export type Introspect = (token: string) => Promise<Access | undefined>;

/** The server did not say anything about a token. */
export class IntrospectionUnavailable extends Error {
  override readonly name = 'IntrospectionUnavailable';
  /** HTTP status of the answer; undefined when none came. */
  readonly status: number | undefined;
  readonly retryAfterSeconds: number;

  constructor(message: string, status: number | undefined, retryAfterSeconds = 1) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface IntrospectionParts {
  readonly url: string;
  readonly issuer: string;
  readonly credentials: CredentialsSource;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Asks the server at every call. @throws IntrospectionUnavailable when it does not answer */
export function createIntrospection(parts: IntrospectionParts): Introspect {
  return async (token) => {
    const members = await ask(parts, token);
    if (members['active'] !== true) return undefined;
    const access = readAccess(members);
    // The server shows live tokens of its own only; checking again costs nothing.
    if (!access || members['iss'] !== parts.issuer || access.expiresAt * 1000 <= parts.now())
      return undefined;
    return access;
  };
}

async function ask(parts: IntrospectionParts, token: string): Promise<Record<string, unknown>> {
  const response = await post(parts, token);
  if (response.status !== 200) {
    // Nobody reads the rest; one that is cut off cannot even be let go.
    response.body?.cancel().catch(() => undefined);
    const wait = Number(response.headers.get('retry-after') ?? 1);
    const seconds = Number.isFinite(wait) ? Math.min(Math.max(wait, 1), MOST_WAIT_SECONDS) : 1;
    throw new IntrospectionUnavailable(`introspection answered ${response.status}`, response.status, seconds);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!isRecord(body)) throw new IntrospectionUnavailable('introspection did not answer JSON', 200);
  return body;
}

const MOST_WAIT_SECONDS = 60;

async function post(
  { url, credentials, fetch, timeoutMs }: IntrospectionParts,
  token: string,
): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const authorization = await basicAuthorization(credentials, signal);
    return await fetch(url, {
      method: 'POST',
      headers: { authorization, accept: 'application/json' },
      body: new URLSearchParams({ token }),
      // Credentials and token go nowhere else.
      redirect: 'manual',
      signal,
    });
  } catch {
    throw new IntrospectionUnavailable('introspection does not answer', undefined);
  }
}

export interface IntrospectionCacheParts {
  readonly introspect: Introspect;
  readonly digest: TokenDigest;
  readonly seconds: number;
  readonly most: number;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Remembered {
  /** When the question was sent: what the server knew is at least as new. */
  readonly asked: number;
  readonly answer: Promise<Access | undefined>;
}

/**
 * Remembers answers, also negative ones, for so many seconds from the question on and never beyond the token's end. One
 * flight for each token: whoever asks meanwhile waits for the same answer. Failures are not remembered.
 */
export function cached({
  introspect,
  digest,
  seconds,
  most,
  monotonic,
  now,
}: IntrospectionCacheParts): Introspect {
  const answers = new Map<string, Remembered>();
  const forget = (key: string, entry: Remembered) => {
    if (answers.get(key) === entry) answers.delete(key);
  };

  return async (token) => {
    const key = await digest(token);
    const known = answers.get(key);
    if (known && monotonic() - known.asked < seconds * 1000) {
      const access = await known.answer;
      return access && access.expiresAt * 1000 > now() ? access : undefined;
    }
    const entry: Remembered = { asked: monotonic(), answer: introspect(token) };
    answers.delete(key);
    answers.set(key, entry);
    if (answers.size > most) {
      const [oldest] = answers.keys();
      if (oldest !== undefined) answers.delete(oldest);
    }
    try {
      return await entry.answer;
    } catch (error) {
      forget(key, entry);
      throw error;
    }
  };
}
