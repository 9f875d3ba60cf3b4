import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { elapsedTime } from '../shared/elapsed.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { tell } from '../shared/tell.ts';
import type { DpopParts } from './dpop.ts';
import type { FeedState } from './follower.ts';
import { decide, type GuardParts } from './guard.ts';
import { cached, createIntrospection, type Introspect } from './introspection.ts';
import { type IssuerConnection, joinIssuer } from './issuer-connection.ts';
import { judgeByIntrospection } from './judge-by-introspection.ts';
import { judgeOffline } from './judge-offline.ts';
import { metadataAnswer, metadataUrl, type OwnAnswer, type ResourceMetadata } from './metadata.ts';
import type { Needs, ProtectOptions } from './options.ts';
import type { Accepted, Refused } from './refusal.ts';
import { replaysInMemory } from './replays.ts';
import { pathOf, type ResourceRequest } from './request.ts';
import { type ExactNeeds, readNeeds, readSettings, type Settings } from './settings.ts';
import type { Judge } from './verdict.ts';

/** How up to date a guard is, for health checks. */
export interface GuardStatus {
  readonly mode: 'live' | 'offline' | 'introspection';
  /** Undefined unless live. */
  readonly feed:
    | {
        readonly state: FeedState;
        /** Seconds since the server proved that no revocation is missing; Infinity before the snapshot is complete. */
        readonly ageSeconds: number;
        readonly sequence: number;
        /** How many revocations are held in memory. */
        readonly revocations: number;
      }
    | undefined;
}

/** Protects an API, or a route of it. Adapters (`forKoa`, `forExpress`, …) put it in front of handlers. */
export interface Guard {
  /** Lets a request in, or says what its answer must be. Never throws for what a client sent. */
  authenticate(request: ResourceRequest): Promise<Accepted | Refused>;
  /** The same, after answering the RFC 9728 metadata route; what adapters call. */
  handle(request: ResourceRequest): Promise<Accepted | Refused | OwnAnswer>;
  /** A guard of the same API with other needs; it shares everything else and ends with this one. */
  requiring(needs: Needs): Guard;
  /** Resolves when requests can be judged: in live mode when the first snapshot is complete. Await it before listening. */
  ready(): Promise<void>;
  status(): GuardStatus;
  /** Undefined for an audience that is no http(s) URL. */
  readonly metadata: ResourceMetadata | undefined;
  /** Ends the connection to the feed, unless other guards share it. */
  close(): void;
  [ASYNC_DISPOSE](): Promise<void>;
}

/** Longest that a first request waits for the first snapshot. */
const START_WAIT_MS = 5_000;

/**
 * Protects an API with task tokens of one server: see docs/resource.md. Sends nothing before the first request or
 * `ready()`. Guards of one process with the same server, credentials and mode share keys, verified tokens and feed.
 * @throws TaskgrantError `option_invalid` that lists every fault of the options
 */
export function protect(options: ProtectOptions): Guard {
  const settings = readSettings(options);
  // Before it joins: nobody could let go of a connection whose guard was never made.
  const needs = readNeeds(options);
  const connection = joinIssuer(settings);
  const url = metadataUrl(settings.audience);
  const metadata = url === undefined ? undefined : metadataOf(settings, needs);
  const context: Context = {
    settings,
    connection,
    metadata,
    metadataPath: url === undefined ? undefined : pathOf(url),
    judge: judgeFor(settings, connection),
    introspects: settings.credentials !== undefined,
    dpop: dpopOf(settings),
    challenges: { resourceMetadata: url, dpop: settings.dpop, dpopAlgorithms: settings.algorithms },
  };
  return guardOf(context, options);
}

interface Context {
  readonly settings: Settings;
  readonly connection: IssuerConnection;
  readonly metadata: ResourceMetadata | undefined;
  readonly metadataPath: string | undefined;
  readonly judge: Judge;
  readonly introspects: boolean;
  readonly dpop: DpopParts | undefined;
  readonly challenges: Omit<GuardParts['challenges'], 'scope'>;
}

function guardOf(context: Context, asked: Needs): Guard {
  const { settings, connection, metadata, metadataPath, judge, dpop } = context;
  const needs = readNeeds(asked);
  if (needs.tool !== undefined && !context.introspects) {
    throw new TaskgrantError(
      'option_invalid',
      'tool, which the token itself does not tell, needs credentials',
    );
  }
  const challenges = { ...context.challenges, scope: needs.scope };
  const parts: GuardParts = {
    audience: settings.audience,
    needs,
    challenges,
    judge,
    dpop,
    now: settings.now,
  };
  const { follower } = connection;
  const close = () => connection.release();
  const authenticate = async (request: ResourceRequest) => {
    const answer = await decide(parts, request);
    if (!answer.accepted) tell(settings.onRefused, answer);
    return answer;
  };
  return {
    metadata,
    authenticate,
    handle(request) {
      if (!metadata || pathOf(request.url) !== metadataPath) return authenticate(request);
      return Promise.resolve(metadataAnswer(request.method, metadata));
    },
    requiring: (further) => guardOf(context, further),
    ready: () => follower?.ready() ?? Promise.resolve(),
    status: () => ({ mode: settings.mode, feed: feedStatus(connection) }),
    close,
    async [ASYNC_DISPOSE]() {
      close();
    },
  };
}

function feedStatus({ follower }: IssuerConnection): GuardStatus['feed'] {
  return (
    follower && {
      state: follower.state,
      ageSeconds: follower.age() / 1000,
      sequence: follower.sequence,
      revocations: follower.ledger.size,
    }
  );
}

function judgeFor(settings: Settings, { verifier, digest, verified, follower }: IssuerConnection): Judge {
  const { mode, fallback, maxAge, maxTokenLifetime } = settings;
  const introspect = introspectionOf(settings, digest);
  const online = introspect && judgeByIntrospection(introspect);
  if (mode === 'introspection' && online) return online;
  const live = follower && { follower, maxAgeMs: maxAge * 1000, maxTokenLifetime, atMost };
  return judgeOffline({
    verifier,
    digest,
    verified,
    introspect,
    fallback: fallback === 'introspection' ? online : undefined,
    live,
  });
}

function introspectionOf(settings: Settings, digest: IssuerConnection['digest']): Introspect | undefined {
  const { issuer, credentials, endpoints, fetch, timeout, cache, now, rememberTokens } = settings;
  if (credentials === undefined) return undefined;
  const url = endpoints.introspection;
  const introspect = createIntrospection({ url, issuer, credentials, fetch, timeoutMs: timeout, now });
  if (cache === 0) return introspect;
  const monotonic = elapsedTime();
  return cached({ introspect, digest, seconds: cache, most: rememberTokens, monotonic, now });
}

function dpopOf({
  dpop,
  algorithms,
  dpopWindow,
  replays,
  nonces,
  publicUrl,
  now,
}: Settings): DpopParts | undefined {
  if (dpop === 'off' || publicUrl === undefined) return undefined;
  return {
    algorithms,
    windowSeconds: dpopWindow,
    replays: replays ?? replaysInMemory({ now }),
    nonces,
    publicUrl,
    now,
    proved: new WeakMap(),
  };
}

/** RFC 9728 §2. What the API states of itself cannot be replaced by further members. */
function metadataOf(settings: Settings, { scope }: ExactNeeds): ResourceMetadata {
  const { audience, issuer, dpop, algorithms, scopes = scope, metadata } = settings;
  return {
    ...metadata,
    resource: audience,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    ...(dpop === 'off' ? {} : { dpop_signing_alg_values_supported: algorithms }),
    ...(dpop === 'required' ? { dpop_bound_access_tokens_required: true } : {}),
  };
}

async function atMost(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, START_WAIT_MS)));
  await Promise.race([work, late]).catch(() => undefined);
  clearTimeout(timer);
}
