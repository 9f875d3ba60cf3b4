import type { Replays } from '../resource/replays.ts';
import { base64url, randomText, sha256, utf8 } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { type AuthorizedKeys, isName } from './authorized-keys.ts';
import { type CompactJws, isSignedBy, readJws, signJws } from './compact-jws.ts';
import { CLOCK_SKEW } from './coverage.ts';
import { InterAgentAuthError } from './inter-agent-error.ts';
import { createKnownSecrets, type KnownSecrets } from './known-secrets.ts';
import type { BoundKey, KeyMaterial } from './request-keys.ts';
import { secretFromEnvironment, type SecretSource } from './shared-secret.ts';
import { signingKeyOf } from './sign-request.ts';

interface CommonOptions {
  /** This agent's own name: `iss` of what it makes, `aud` of what it accepts. */
  readonly agent: string;
  /** Accepts every token once only. Default: as often as it is shown within its five minutes. */
  readonly replays?: Replays | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Each agent signs with its own key: nobody can speak as another. */
export interface AgentKeyOptions extends CommonOptions {
  readonly privateKey: KeyMaterial;
  readonly keyId?: string | undefined;
  /** The other agents' keys, by their names. */
  readonly keys: AuthorizedKeys;
}

/**
 * All agents share one secret. Weaker than keys, and nothing can mend it: any holder can make a token as any of them, for
 * any of them. For fleets that are being moved.
 */
export interface SharedSecretOptions extends CommonOptions {
  /** Default: `AGENT_AUTH_SECRET` of the environment. */
  readonly secret?: SecretSource | undefined;
  /** The agents whose tokens are accepted. */
  readonly peers: readonly string[];
}

/** What a token between two agents says. Times are seconds since the epoch. */
export interface InterAgentClaims {
  /** The agent that made it. */
  readonly iss: string;
  /** In whose name it speaks: itself, unless it said otherwise. Its own word. */
  readonly sub: string;
  /** The agent that it is for. */
  readonly aud: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

/** What makes and knows signatures: a key of one's own, or the shared secret. */
interface Mode {
  readonly typ: string;
  sign(header: object, claims: InterAgentClaims): Promise<string>;
  isGenuine(jws: CompactJws, issuer: string, kid: string): Promise<boolean>;
}

const LIFETIME = 300;
const LONGEST_JTI = 256;
/** One for each mode, so that neither passes for the other or for a JWT of another purpose (RFC 8725 §3.11). */
const KEY_TYPE = 'inter-agent+jwt';
const SECRET_TYPE = 'inter-agent-shared+jwt';
/** The name of a key whose owner gave it none. */
const ONLY_KEY = 'default';

/**
 * Tokens from one agent for one other, good for five minutes. Make a fresh one for each call.
 *
 * ```ts
 * const auth = new InterAgentAuth({ agent: 'orchestrator', privateKey, keys });
 * const token = await auth.createToken('vision');          // at the orchestrator
 * const { iss } = await visionAuth.verifyToken(token);     // at vision
 * ```
 */
export class InterAgentAuth {
  readonly #options: CommonOptions;
  readonly #now: () => number;
  readonly #mode: () => Promise<Mode>;

  /** @throws TaskgrantError `option_invalid` for a name that is none; an unusable key shows at the first call. */
  constructor(options: AgentKeyOptions | SharedSecretOptions) {
    if (!isName(options.agent)) {
      throw new TaskgrantError('option_invalid', 'agent is a name of printable ASCII without # and spaces');
    }
    this.#options = options;
    this.#now = options.now ?? Date.now;
    let mode: Promise<Mode> | undefined;
    this.#mode = () => (mode ??= 'privateKey' in options ? keyMode(options) : secretMode(options, this.#now));
  }

  /**
   * A token for one other agent.
   * @param to the name of the agent that is called
   * @param subject in whose name; default: this agent
   * @throws InterAgentAuthError `not_set`, `too_short`, `too_many`, `unavailable`
   */
  async createToken(to: string, subject: string = this.#options.agent): Promise<string> {
    if (!isName(to)) throw new TaskgrantError('option_invalid', 'a token is for one agent, by its name');
    const iat = Math.floor(this.#now() / 1000);
    const { agent: iss } = this.#options;
    const { typ, sign } = await this.#mode();
    return sign({ typ }, { iss, sub: subject, aud: to, jti: randomText(), iat, exp: iat + LIFETIME });
  }

  /**
   * Who made a token for this agent.
   * @throws InterAgentAuthError `invalid` ("Invalid token"), `expired` ("Token expired"), and those of `createToken`
   */
  async verifyToken(token: string): Promise<InterAgentClaims> {
    const jws = readJws(token);
    const mode = await this.#mode();
    if (!jws || jws.header['typ'] !== mode.typ || !isName(jws.header['kid']))
      throw new InterAgentAuthError('invalid');
    const claims = claimsOf(jws, this.#options.agent);
    if (!(await mode.isGenuine(jws, claims.iss, jws.header['kid']))) throw new InterAgentAuthError('invalid');
    // Only now: that a token has expired is told of genuine ones alone.
    const now = this.#now() / 1000;
    if (claims.iat > now + CLOCK_SKEW) throw new InterAgentAuthError('invalid');
    if (claims.exp <= now) throw new InterAgentAuthError('expired');
    await this.#spend(claims);
    return claims;
  }

  async #spend({ iss, jti, exp }: InterAgentClaims): Promise<void> {
    const { replays } = this.#options;
    if (!replays) return;
    const key = `${await sha256(`inter-agent ${iss}`)}.${await sha256(jti)}`;
    if (!(await replays.spend(key, exp * 1000 + 1000))) throw new InterAgentAuthError('invalid');
  }
}

/** INVARIANT: for this agent, from a named one, with a life of five minutes at most. */
function claimsOf({ payload }: CompactJws, agent: string): InterAgentClaims {
  const { iss, sub, aud, jti, iat, exp } = payload;
  const named = isName(iss) && typeof sub === 'string' && sub !== '' && aud === agent;
  const known = typeof jti === 'string' && jti !== '' && jti.length <= LONGEST_JTI;
  if (!named || !known || !isTime(iat) || !isTime(exp) || exp <= iat || exp - iat > LIFETIME) {
    throw new InterAgentAuthError('invalid');
  }
  return { iss, sub, aud: agent, jti, iat, exp };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

async function keyMode({ agent, privateKey, keyId, keys }: AgentKeyOptions): Promise<Mode> {
  const key = await signingKeyOf({ issuer: agent, privateKey, keyId });
  const named: BoundKey = { ...key, keyId: key.keyId ?? ONLY_KEY };
  return {
    typ: KEY_TYPE,
    sign: (header, claims) => signJws(named, header, claims),
    async isGenuine(jws, issuer, kid) {
      const found = await Promise.resolve(keys.find(issuer, kid === ONLY_KEY ? undefined : kid)).catch(
        (cause: unknown) => {
          throw new InterAgentAuthError('unavailable', cause);
        },
      );
      return isSignedBy(jws, found);
    },
  };
}

async function secretMode({ secret, peers }: SharedSecretOptions, now: () => number): Promise<Mode> {
  const secrets: KnownSecrets = createKnownSecrets(secret ?? secretFromEnvironment(), now);
  const accepted = new Set(peers);
  return {
    typ: SECRET_TYPE,
    async sign(header, claims) {
      const { kid, bytes } = await secrets.current();
      const input = [{ alg: 'HS256', ...header, kid }, claims]
        .map((part) => base64url(utf8(JSON.stringify(part))))
        .join('.');
      const mac = await crypto.subtle.sign('HMAC', await hmacKey(bytes), utf8(input));
      return `${input}.${base64url(mac)}`;
    },
    async isGenuine({ header, input, signature }, issuer, kid) {
      const found = await secrets.named(kid);
      if (!found || header['alg'] !== 'HS256' || !accepted.has(issuer)) return false;
      // WebCrypto compares in constant time.
      return crypto.subtle.verify('HMAC', await hmacKey(found.bytes), signature, input);
    },
  };
}

function hmacKey(secret: Uint8Array<ArrayBuffer>) {
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}
