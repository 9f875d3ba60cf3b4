import { base64url, utf8 } from '../shared/encoding.ts';
import { InterAgentAuthError } from './inter-agent-error.ts';

/** Where the shared secret comes from. */
export interface SecretSource {
  /**
   * The secret as text; as a secrets manager keeps it, `{"secret_key": "…"}` or that as JSON text; or a list of two of
   * them while it is being rotated, the one to sign with first.
   */
  read(): unknown;
  /** Milliseconds that what was read may be used without asking again. */
  readonly maxAge: number;
}

/** One secret, named so that whoever verifies knows which of two it was. */
export interface SharedSecret {
  readonly kid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const FEWEST_BYTES = 32;
const MOST_SECRETS = 2;
const ENVIRONMENT = 'AGENT_AUTH_SECRET';

/**
 * `AGENT_AUTH_SECRET`, and `AGENT_AUTH_SECRET_PREVIOUS` while it is being rotated: then tokens are signed with the first
 * and accepted by both.
 * @param env default: the environment of the process.
 */
export function secretFromEnvironment(env?: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    maxAge: 0,
    read: () => {
      const all = env ?? environment();
      return [all[ENVIRONMENT], all[`${ENVIRONMENT}_PREVIOUS`]].filter(Boolean);
    },
  };
}

/**
 * A secrets manager, asked through a callback that returns `{"secret_key"}` or a list of two. Its answer is kept for a
 * minute; a token of a secret that is not known asks again, once in 10 seconds at most.
 */
export function secretFromManager(read: () => unknown, maxAge = 60_000): SecretSource {
  return { read, maxAge };
}

/**
 * What a source holds. INVARIANT: a secret that is too short is an error and never used.
 * @throws InterAgentAuthError `not_set`, `too_short`
 */
export async function readSecrets(source: SecretSource): Promise<readonly SharedSecret[]> {
  const texts = textsOf(await source.read());
  if (texts.length === 0) throw new InterAgentAuthError('not_set');
  if (texts.length > MOST_SECRETS) throw new InterAgentAuthError('too_many');
  return Promise.all(
    texts.map(async (text) => {
      const bytes = utf8(text);
      if (bytes.length < FEWEST_BYTES) throw new InterAgentAuthError('too_short');
      return { kid: await nameOf(bytes), bytes };
    }),
  );
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'object' && value !== null)
    return textsOf((value as { secret_key?: unknown }).secret_key);
  if (typeof value !== 'string' || value.trim() === '') return [];
  const text = value.trim();
  if (!/^[[{]/.test(text)) return [text];
  try {
    return textsOf(JSON.parse(text));
  } catch {
    // The parser's message would quote the secret.
    throw new InterAgentAuthError('not_set');
  }
}

/** A name that says nothing about the secret to whoever does not have it: an HMAC under the secret, shortened. */
async function nameOf(secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, utf8('taskgrant inter-agent kid'));
  return base64url(new Uint8Array(mac).slice(0, 9));
}

function environment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
