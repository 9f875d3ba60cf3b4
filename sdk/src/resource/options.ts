import type { Clock } from '../shared/clock.ts';
import type { CredentialsSource } from './credentials.ts';
import type { DpopNonces } from './dpop-nonces.ts';
import type { FeedChange } from './follower.ts';
import type { FollowerTiming } from './follower-timing.ts';
import type { Refused } from './refusal.ts';
import type { Replays } from './replays.ts';

/** What one request, or one route, needs beyond a live token for this API. */
export interface Needs {
  /** Scopes, all of them; as a list or separated by spaces. Wildcards in the token cover them as at the server. */
  readonly scope?: string | readonly string[] | undefined;
  /** A tool that the task must have been granted. */
  readonly tool?: string | undefined;
  /**
   * `compared` (default): `X-Task-ID`, `X-Parent-Task-ID` and `X-Parent-Token-ID` must be those of the token where they
   * are sent. `required`: `X-Task-ID` must be sent, too.
   */
  readonly task?: 'compared' | 'required' | undefined;
}

/** How one API is protected. */
export interface ProtectOptions extends Needs {
  /** The authorization server, exactly as it calls itself. */
  readonly issuer: string;
  /** `aud` of the tokens for this API, exactly as it is registered at the server. */
  readonly audience: string;
  /**
   * Where a token is checked. `live` (default): here, against the server's revocation feed; `offline`: here, and a
   * revoked token works until it expires; `introspection`: at the server, at every request.
   */
  readonly mode?: 'live' | 'offline' | 'introspection' | undefined;
  /** The API's own client id and secret at the server, or where to get them. Needed for all but plain `offline`. */
  readonly credentials?: CredentialsSource | undefined;
  /**
   * `introspection`: tokens that cannot be judged here are asked about at the server, instead of being refused: opaque
   * ones, those of older servers, and any while the feed is older than `maxAge`. Default `refuse`.
   */
  readonly fallback?: 'refuse' | 'introspection' | undefined;
  /** Seconds: the oldest knowledge of revocations that is acted on in `live` mode. Default 5. */
  readonly maxAge?: number | undefined;
  /** Seconds for which an answer of introspection is used again. Default 0: none is. */
  readonly cache?: number | undefined;
  /** `optional` (default): bound tokens need their proof; `required`: only bound tokens; `off`: bound tokens are refused. */
  readonly dpop?: 'optional' | 'required' | 'off' | undefined;
  /** Seconds that the `iat` of a proof may lie from now. Default 60. */
  readonly dpopWindow?: number | undefined;
  /** Where used proofs are kept. Default: in this process. */
  readonly replays?: Replays | undefined;
  /** Nonces that proofs must carry, see `dpopNonces`. Default: none. */
  readonly nonces?: DpopNonces | undefined;
  /**
   * Where clients reach the root of this server, e.g. `https://api.example.com` or, where a proxy cuts off a path,
   * `https://example.com/api`. Default: the origin of the audience. Proofs are checked against it, never against `Host`.
   */
  readonly publicUrl?: string | undefined;
  /** Every scope that the API knows, for its metadata. Default: `scope`. */
  readonly scopes?: readonly string[] | undefined;
  /** Further members of the metadata, e.g. `resource_name`, `resource_documentation` (RFC 9728 §2). */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Signature algorithms that are accepted. Default ES256, EdDSA, Ed25519 and RS256. */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * Seconds: longer-lived tokens are not judged here in `live` mode. What was revoked is remembered for so long, and an
   * hour. Default 86,400, which is the most that the server can be set to.
   */
  readonly maxTokenLifetime?: number | undefined;
  /** How many verified tokens are remembered, by digest. Default 10,000. */
  readonly rememberTokens?: number | undefined;
  /** The server's endpoints, where they are not at their usual places below the issuer. */
  readonly endpoints?: Partial<Endpoints> | undefined;
  /** Milliseconds that a call to the server may take. Default 5,000. */
  readonly timeout?: number | undefined;
  /** Permits an issuer without https that is not this computer, for closed networks. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** Told whenever the feed begins, breaks or changes its way. */
  readonly onFeed?: ((change: FeedChange) => void) | undefined;
  /** Told of every refusal, for logs. Holds no token. */
  readonly onRefused?: ((refused: Refused) => void) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Pick<Clock, 'now'> | undefined;
  /** For tests and unusual networks. */
  readonly timing?: Partial<FollowerTiming> | undefined;
}

/** Absolute URLs. */
export interface Endpoints {
  readonly jwks: string;
  readonly introspection: string;
  readonly revocations: string;
}
