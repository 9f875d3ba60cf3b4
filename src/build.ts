import { readFileSync } from 'node:fs';
import type Koa from 'koa';
import type { Bootstrapped } from './app/bootstrap/bootstrap-options.ts';
import type { AppContext } from './app/context.ts';
import type { Json } from './app/description/api-description.ts';
import { createAnswerOnce } from './app/idempotency/answer-once.ts';
import { deferrable } from './app/idempotency/deferred-units.ts';
import type { Clock } from './app/ports.ts';
import type { RateLimiter } from './app/ports/rate-limits.ts';
import { createRateLimits } from './app/limits/rate-limits.ts';
import { createLedgerFeed } from './app/revocations/ledger-feed.ts';
import { createRefusalRecorder } from './app/audit/record-refusal.ts';
import { CLOCKS_DIFFER_MS } from './app/remove-expired.ts';
import { steadiness } from './app/steady-clock.ts';
import { appSettings } from './composition/app-settings.ts';
import { withAuditFiles } from './audit/audit-files.ts';
import type { Config } from './config/config.ts';
import { createAccessTokenSigner } from './crypto/access-token-signer.ts';
import { createAnswerSeals } from './crypto/answer-seals.ts';
import { createDigests } from './crypto/digests.ts';
import { createEncryption, deriveKey } from './crypto/encryption.ts';
import { createIds } from './crypto/ids.ts';
import { createKeyring, type Keyring } from './crypto/keyring.ts';
import { loadMasterKey } from './crypto/master-key.ts';
import { createPasswords } from './crypto/passwords.ts';
import { sharedRun } from './domain/shared-run.ts';
import { createStatementSigner } from './crypto/statement-signer.ts';
import { ensureKeys, firstStart } from './process/first-start.ts';
import { keyFollower } from './composition/follow-keys.ts';
import { createHttpApp } from './http/app.ts';
import { ENGINE_PATHS, enginePath } from './http/engine-paths.ts';
import { dpopProof } from './http/middleware/dpop-proof.ts';
import { isProbe } from './http/probes.ts';
import { answeringInTime } from './http/routes/health.ts';
import { createRoutes } from './http/routes.ts';
import { createMemoryLimiter } from './limits/memory-limiter.ts';
import { createSharedLimiter } from './limits/shared-limiter.ts';
import { createConsoleLoggers } from './log/console-loggers.ts';
import { createLoggers, type Loggers } from './log/loggers.ts';
import { documentLookups } from './network/outside-lookups.ts';
import { publicFetch } from './network/public-fetch.ts';
import { createDecisionPoint } from './network/decision-point.ts';
import { createOAuthApp } from './oidc/app.ts';
import { engineDescription } from './oidc/description/engine-description.ts';
import { createEngineHolder } from './oidc/engine-holder.ts';
import type { FetchForParty } from './oidc/fetch-for-asker.ts';
import { createInteractions } from './oidc/interactions/interactions.ts';
import { createSignInThrottle, noSignInThrottle } from './oidc/interactions/sign-in-throttle.ts';
import { bringUpToDate, connect, type DatabaseSettings, openDatabase } from './store/database.ts';
import { migrateDown, migrationStatus } from './store/schema/migrate.ts';
import { claimDatabase } from './store/only-server.ts';
import { createStore, type DatabaseStore } from './store/store.ts';
import { statusIndexes, statusListSource } from './composition/status-lists.ts';
import { startUpkeep } from './composition/upkeep.ts';
import { createWebhookParts, startWebhooks } from './composition/webhooks.ts';

/** A server that is ready to listen. */
export interface Taskgrant {
  readonly app: Koa;
  /** The API as an OpenAPI document. */
  readonly description: () => Json;
  readonly context: AppContext;
  readonly store: DatabaseStore;
  readonly keyring: Keyring;
  readonly loggers: Loggers;
  /** What was made on first start, to be printed once. */
  readonly created: Bootstrapped;
  /** From now on the server is not ready: load balancers send no more. */
  beginDraining(): void;
  /** Ends the answers that would not end by themselves; their clients go on at another server. */
  endStreams(): void;
  /** Stores what waits, then closes files and database. */
  close(): Promise<void>;
}

interface ContextOptions {
  readonly openLoggers?: (config: Config) => Loggers;
  /** True for a process that closes it soon. */
  readonly brief?: boolean;
}

const SKEW_SECONDS = 60;
const ID_TOKEN_SECONDS = 3600;
const PRODUCT = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Everything that the command line and the server share: no HTTP, no engine. */
export async function buildContext(
  config: Config,
  clock: Clock = { now: () => Date.now() },
  { openLoggers = fileLoggers, brief = false }: ContextOptions = {},
) {
  const loggers = openLoggers(config);
  const masterKey = loadMasterKey(config);
  const database = await openDatabase({ ...databaseSettings(config), logger: loggers.app, brief });
  const store = withAuditFiles(createStore(database, clock), loggers);
  const ids = createIds();
  const encryption = createEncryption(masterKey);
  const webhooks = createWebhookParts(config, encryption, ids);
  const keyring = createKeyring({
    keys: store.keys,
    encryption,
    clock,
    ids,
    algorithm: config.signing.algorithm,
    publishAheadMs: config.signing.publishAhead * 1000,
    verifyAfterMs: (Math.max(config.lifetimes.accessToken, ID_TOKEN_SECONDS) + SKEW_SECONDS) * 1000,
  });
  const decisionPoint = createDecisionPoint({ token: config.policies.token, log: loggers.app });
  const context: AppContext = {
    store: deferrable(store),
    clock,
    ids,
    digests: createDigests(),
    passwords: createPasswords(config.argon2),
    signer: createAccessTokenSigner({ keyring, issuer: config.issuer }),
    statements: createStatementSigner(keyring),
    statusIndexes:
      config.revocations.statusLists === 'on' ? statusIndexes({ store, ids, clock }, masterKey) : undefined,
    decisionPoint,
    webhooks: webhooks.tools,
    settings: appSettings(config),
    log: loggers.app,
  };
  return { context, store, keyring, loggers, masterKey, decisionPoint, webhooks };
}

/** What the caller replaces or has done already. */
export interface Outside {
  readonly clock?: Clock | undefined;
  /** The network that metadata documents come from. */
  readonly fetch?: FetchForParty | undefined;
  /** True where another process has made what a first start makes, and has shown it. */
  readonly prepared?: boolean | undefined;
}

/** @throws Error when the configuration contradicts the store, or another server uses the embedded database. */
export async function build(config: Config, outside: Outside = {}): Promise<Taskgrant> {
  const claim = config.databaseUrl ? undefined : await claimDatabase(config.dataDir);
  const release = () => claim?.release();
  try {
    return await compose(config, outside, release);
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * The composition root: the one place that names every concrete part. `closed` is called when files and database are.
 */
async function compose(config: Config, outside: Outside, closed: () => void): Promise<Taskgrant> {
  const parts = await buildContext(config, outside.clock);
  const { context, store, keyring, loggers, masterKey, decisionPoint, webhooks } = parts;
  const created = outside.prepared ? {} : await firstStart(context, config, keyring);
  if (outside.prepared) await ensureKeys(context, keyring);
  const refusals = createRefusalRecorder(context);
  const answerOnce = createAnswerOnce({
    context,
    seals: createAnswerSeals(masterKey),
    keepSeconds: config.lifetimes.idempotency,
  });
  const { throttle, rateLimits } = limitsOf(config, context, store);
  const cookieKeys = [deriveKey(masterKey, 'cookies').toString('base64url')];
  const holder = createEngineHolder(
    {
      context,
      artifacts: store.artifacts,
      refusals,
      rateLimits,
      signingAlgorithm: config.signing.algorithm,
      cookieKeys,
      dpopNonceSecret: deriveKey(masterKey, 'dpop nonces'),
      lifetimes: { ...config.lifetimes, pushedRequest: config.lifetimes.par },
      scopes: ['profile', 'email'],
      metadataDocuments: config.registration.metadataDocuments,
      fetch: outside.fetch ?? publicFetch(documentLookups()),
    },
    () => keyring.privateJwks(),
  );
  const followKeys = keyFollower(keyring, holder.rebuild);
  let draining = false;
  const interactions = createInteractions({
    context,
    artifacts: store.artifacts,
    provider: holder.provider,
    refusals,
    throttle,
    secret: deriveKey(masterKey, 'interactions'),
    browserSecret: deriveKey(masterKey, 'known browsers'),
    codeSeconds: config.lifetimes.authorizationCode,
  });
  const { ledger, onRevoked } = store;
  const feed = createLedgerFeed({ ledger, onRevoked, clock: context.clock, limits: config.revocations });
  const app = createHttpApp({
    context,
    refusals,
    answerOnce,
    rateLimits,
    routes: createRoutes(
      context,
      // However many ask at once, the database is asked once at a time.
      sharedRun(() => answeringInTime(() => store.ping())),
      () => draining,
      rateLimits,
      feed,
      statusListSource(context, config.revocations),
    ),
    trustProxy: config.trustProxy,
    bodyLimit: config.requestBodyLimit,
    version: PRODUCT.version,
    cookieKeys,
    guards: [
      dpopProof({
        issuer: config.issuer,
        clock: context.clock,
        digests: context.digests,
        artifacts: store.artifacts,
        except: (path) => isProbe(path) || enginePath(ENGINE_PATHS, path) !== undefined,
      }),
    ],
    engine: {
      middleware: createOAuthApp({
        context,
        refusals,
        answerOnce,
        bodyLimit: config.requestBodyLimit,
        engine: holder.middleware,
        followKeys,
        interactions,
        rateLimits,
      }) as never,
      description: () => engineDescription(config.issuer),
    },
  });
  const upkeep = startUpkeep({
    context,
    keyring,
    cleanup: store.cleanup,
    retention: config.retention,
    steadyFor: steadiness(context.clock, CLOCKS_DIFFER_MS),
    followKeys,
  });
  const { allows } = webhooks;
  const delivering = startWebhooks(config, { context, store, allows, version: PRODUCT.version });
  return {
    app: app as unknown as Koa,
    description: app.description,
    context,
    store,
    keyring,
    loggers,
    created,
    beginDraining() {
      draining = true;
    },
    endStreams: () => feed.close(),
    async close() {
      feed.close();
      await upkeep.stop();
      await refusals.close();
      await delivering.stop();
      decisionPoint.close();
      await store.close();
      await loggers.close();
      closed();
    },
  };
}

/** Counted by this process alone on the embedded database, by all nodes together on PostgreSQL. */
function limitsOf(config: Config, { clock, digests, log }: AppContext, store: DatabaseStore) {
  if (config.rateLimits === 'off') return { throttle: noSignInThrottle, rateLimits: undefined };
  const { rateCounters: counters, agents } = store;
  const limiter: RateLimiter = counters
    ? createSharedLimiter({ clock, counters, log })
    : createMemoryLimiter(clock);
  return {
    throttle: createSignInThrottle({ limiter, digests }, config.limits.signIns),
    rateLimits: createRateLimits(config.limits, { limiter, clock, digests, agents }),
  };
}

/** The schema alone, untouched until told: for `taskgrant migrate`. */
export function openSchema(config: Config) {
  const settings = { ...databaseSettings(config), logger: createConsoleLoggers().app };
  const database = connect(settings);
  return {
    up: () => bringUpToDate(database, settings),
    down: () => migrateDown(database),
    status: () => migrationStatus(database),
    close: () => database.destroy(),
  };
}

function databaseSettings({ databaseUrl, dataDir, databasePool, databaseTimeout }: Config): DatabaseSettings {
  return { databaseUrl, dataDir, poolMax: databasePool.max, timeoutMs: databaseTimeout };
}

/** The files of LOG_DIR, which one process owns: the server. */
function fileLoggers(config: Config): Loggers {
  return createLoggers({
    logDir: config.logDir,
    level: config.logLevel,
    rotation: config.logRotation,
    console: consoleStyle(config),
  });
}

function consoleStyle({ env, isProduction }: Config): 'pretty' | 'json' | 'silent' {
  if (env === 'test') return 'silent';
  return isProduction || !process.stdout.isTTY ? 'json' : 'pretty';
}
