import type { AccessTokenVerifierParts } from './access-token.ts';
import { systemClock } from '../shared/clock.ts';
import { elapsedTime } from '../shared/elapsed.ts';
import { tell } from '../shared/tell.ts';
import type { CredentialsSource } from './credentials.ts';
import { createFeedClient } from './feed-client.ts';
import { createFollower, type FeedChange, type Follower } from './follower.ts';
import { createKeySet } from './key-set.ts';
import { createLedger } from './ledger.ts';
import type { Settings } from './settings.ts';
import { createTokenDigest, type TokenDigest } from './token-digest.ts';
import { createVerifiedTokens, type VerifiedTokens } from './verified-tokens.ts';

/** What all protected APIs of one process need of one server: its keys, what was verified, what was revoked. */
export interface IssuerConnection {
  readonly verifier: AccessTokenVerifierParts;
  readonly digest: TokenDigest;
  readonly verified: VerifiedTokens;
  /** Undefined unless live. */
  readonly follower: Follower | undefined;
  /** Lets go of it; the last one ends it. */
  release(): void;
}

/** Clocks of server and resource server may differ by as much without a revocation being forgotten too early. */
const MARGIN_MS = 3_600_000;

type Listener = (change: FeedChange) => void;

interface Shared {
  readonly settings: Settings;
  readonly connection: Omit<IssuerConnection, 'release'>;
  /** One of each guard that has any; the same one may be that of several. */
  readonly listeners: Listener[];
  users: number;
}

const shared: Shared[] = [];

/** Joins the connection to the server that other guards with the same settings use, or makes it. Sends nothing yet. */
export function joinIssuer(settings: Settings): IssuerConnection {
  const known = shared.find((other) => isSame(other.settings, settings));
  const entry = known ?? create(settings);
  if (!known) shared.push(entry);
  entry.users += 1;
  const { onFeed } = settings;
  if (onFeed) entry.listeners.push(onFeed);
  let released = false;
  return {
    ...entry.connection,
    release() {
      if (released) return;
      released = true;
      if (onFeed) entry.listeners.splice(entry.listeners.indexOf(onFeed), 1);
      entry.users -= 1;
      if (entry.users > 0) return;
      shared.splice(shared.indexOf(entry), 1);
      entry.connection.follower?.close();
    },
  };
}

function create(settings: Settings): Shared {
  const { issuer, algorithms, endpoints, fetch, now } = settings;
  const elapsed = elapsedTime();
  const listeners: Listener[] = [];
  const keys = createKeySet({ url: endpoints.jwks, fetch, algorithms, monotonic: elapsed });
  const connection = {
    verifier: { issuer, keys, now },
    digest: createTokenDigest(),
    verified: createVerifiedTokens(settings.rememberTokens),
    follower: settings.mode === 'live' ? follow(settings, elapsed, listeners) : undefined,
  };
  return { settings, connection, listeners, users: 0 };
}

function follow(settings: Settings, elapsed: () => number, listeners: readonly Listener[]): Follower {
  const { credentials, endpoints, fetch } = settings;
  if (!credentials) throw new TypeError('live mode needs credentials');
  return createFollower({
    client: createFeedClient({ url: endpoints.revocations, credentials, fetch }),
    // By a clock that nobody sets: what is forgotten too early lets revoked tokens in.
    ledger: createLedger(settings.maxTokenLifetime * 1000 + MARGIN_MS, () => performance.now()),
    monotonic: elapsed,
    sleep: systemClock.sleep,
    random: Math.random,
    timing: settings.timing,
    onChange(change) {
      for (const listener of new Set(listeners)) tell(listener, change);
    },
  });
}

const COMPARED = ['issuer', 'mode', 'maxTokenLifetime', 'rememberTokens', 'clock', 'timing'] as const;

function isSame(a: Settings, b: Settings): boolean {
  return (
    COMPARED.every((name) => a[name] === b[name]) &&
    a.givenFetch === b.givenFetch &&
    a.algorithms.join() === b.algorithms.join() &&
    a.endpoints.jwks === b.endpoints.jwks &&
    a.endpoints.revocations === b.endpoints.revocations &&
    isSameParty(a.credentials, b.credentials)
  );
}

function isSameParty(a: CredentialsSource | undefined, b: CredentialsSource | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  return a.clientId === b.clientId && a.clientSecret === b.clientSecret;
}
