import type { Caller } from '../app/audit/audit-trail.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import type { Dependency } from '../domain/revocation.ts';

/**
 * What a request must show to reach a handler:
 * - `anonymous`: nothing; an Authorization header is not looked at.
 * - `optional`: a presented token must be good, but none is needed.
 * - `task`: a live access token of any task and audience; the handler decides what it may do.
 * - `example`: a live access token for the example API (the default audience).
 * - `follower`: the credentials of a resource server (HTTP Basic), or a token as for `admin:read`.
 * - `admin:read`, `admin:write`: a live access token for the administration API that holds this right (R13).
 */
export type Access =
  | 'anonymous'
  | 'optional'
  | 'task'
  | 'example'
  | 'follower'
  | 'admin:read'
  | 'admin:write';

export type AdminRight = Extract<Access, `admin:${string}`>;

/** Who makes a request; also the `Caller` that use cases record. */
export interface RequestCaller extends Caller {
  /** The presented token, accepted; undefined when the route needs none and none was sent. */
  readonly bearer: ResolvedToken | undefined;
  /** Whether the token is for the administration API and holds the right. */
  administers(right: AdminRight): boolean;
}

export interface BearerCaller extends RequestCaller {
  readonly bearer: ResolvedToken;
}

/** A resource server with its own credentials, or an administrator with a token. */
export interface FollowerCaller extends RequestCaller {
  readonly actor: string;
  /** What the right to follow rests on, by the names of the ledger. */
  readonly dependencies: readonly Dependency[];
}

/** Routes that need a token have it. */
export type CallerOf<A extends Access> = A extends 'anonymous' | 'optional'
  ? RequestCaller
  : A extends 'follower'
    ? FollowerCaller
    : BearerCaller;
