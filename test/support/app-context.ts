import type { AppContext, AppSettings } from '../../src/app/context.ts';
import { type AnswerOnce, createAnswerOnce } from '../../src/app/idempotency/answer-once.ts';
import { deferrable } from '../../src/app/idempotency/deferred-units.ts';
import { bootstrap } from '../../src/app/bootstrap/bootstrap.ts';
import type { Caller } from '../../src/app/audit/audit-trail.ts';
import { createAccessTokenSigner } from '../../src/crypto/access-token-signer.ts';
import { createDigests } from '../../src/crypto/digests.ts';
import { createAnswerSeals } from '../../src/crypto/answer-seals.ts';
import { createEncryption } from '../../src/crypto/encryption.ts';
import { createIds } from '../../src/crypto/ids.ts';
import type { Keyring } from '../../src/crypto/keyring.ts';
import { createPasswords } from '../../src/crypto/passwords.ts';
import { createStatementSigner } from '../../src/crypto/statement-signer.ts';
import { builtInPermissions } from '../../src/domain/built-in-catalogue.ts';
import { createWebhookSecrets } from '../../src/crypto/webhook-secrets.ts';
import { isPublicAddress } from '../../src/network/public-address.ts';
import { createWebhookTargets } from '../../src/network/webhook-targets.ts';
import type { ServerLimits } from '../../src/domain/task-request.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { T0 } from './fixtures.ts';
import { createManualClock, keyringNode } from './keyring-node.ts';

export const ISSUER = 'https://auth.example.com';
export const ADMIN_AUDIENCE = `${ISSUER}/api`;
export const DEFAULT_AUDIENCE = `${ISSUER}/api/oauth/protected`;
const ADMIN_SECRET = 'tgs_test-secret-of-the-built-in-client-0123';
export const ADMIN_EMAIL = 'root@example.com';
const ADMIN_PASSWORD = 'correct horse battery staple';

/** Who acts in tests that do not care. */
export const CALLER: Caller = {
  actor: 'tester',
  origin: { sourceIp: '192.0.2.7', requestId: 'request-1' },
};

/** Time that moves only when told to. */
export interface TestClock {
  now(): number;
  /** Moves on by that many seconds. */
  advance(seconds: number): void;
}

export interface TestContextOptions {
  readonly clock?: TestClock | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  readonly settings?: Partial<AppSettings> | undefined;
  /** A database of its own by default: SQLite in memory. */
  readonly databaseUrl?: string | undefined;
  readonly dataDir?: string | undefined;
  /** False leaves the store empty: no administrator, no resource servers. */
  readonly bootstrapped?: boolean | undefined;
}

export interface TestContext {
  readonly context: AppContext;
  readonly store: DatabaseStore;
  readonly clock: TestClock;
  readonly keyring: Keyring;
  readonly answerOnce: AnswerOnce;
  close(): Promise<void>;
}

const LIMITS: ServerLimits = {
  accessTokenSeconds: 600,
  refreshTokenSeconds: 2_592_000,
  handOffSeconds: 120,
  taskDefaultSeconds: 3600,
  taskMaxSeconds: 2_592_000,
  codeTaskSeconds: 2_592_000,
  refreshGraceSeconds: 30,
  maxDepth: 8,
  maxChildren: 100,
};

function createTestClock(start: number = T0): TestClock {
  let time = start;
  return {
    now: () => time,
    advance(seconds) {
      time += seconds * 1000;
    },
  };
}

/**
 * Everything that use cases are built from: a real store and real cryptography, time that stands still, passwords
 * that cost next to nothing. Holds the built-in client, an administrator and one resource server that knows
 * `reports:read`, `reports:write` and `example:read`.
 */
export async function createTestContext(options: TestContextOptions = {}): Promise<TestContext> {
  const clock = options.clock ?? createTestClock();
  const { databaseUrl, dataDir = ':memory:' } = options;
  const store = createStore(await openDatabase({ databaseUrl, dataDir, poolMax: 5 }), clock);
  const keyring = keyringNode(store.keys, { ...createManualClock(), now: clock.now });
  await keyring.ensure();
  const settings = { ...SETTINGS, limits: { ...LIMITS, ...options.limits }, ...options.settings };
  const context: AppContext = {
    store: deferrable(store),
    clock,
    ids: createIds(),
    digests: createDigests(),
    passwords: createPasswords({ memoryKiB: 64, passes: 1, parallelism: 1 }),
    signer: createAccessTokenSigner({ keyring, issuer: settings.issuer }),
    statements: createStatementSigner(keyring),
    decisionPoint: { ask: async () => ({ failure: 'there is none' }) },
    webhooks: {
      secrets: createWebhookSecrets(createEncryption(Buffer.alloc(32, 7)), createIds()),
      targets: createWebhookTargets({ allowHttp: false, ports: [443], allows: isPublicAddress }),
    },
    settings,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  };
  if (options.bootstrapped !== false) await bootstrap(context, BOOTSTRAP);
  const answerOnce = answerOnceOf(context);
  return { context, store, clock, keyring, answerOnce, close: () => store.close() };
}

/** What answers once on one node: nodes share the store, and nothing else. */
export function answerOnceOf(context: AppContext): AnswerOnce {
  const seals = createAnswerSeals(Buffer.alloc(32, 7));
  return createAnswerOnce({ context, seals, keepSeconds: 86_400 });
}

const SETTINGS: AppSettings = {
  issuer: ISSUER,
  limits: LIMITS,
  defaultAudience: DEFAULT_AUDIENCE,
  adminAudience: ADMIN_AUDIENCE,
  policies: [],
  defaultPermissions: ['example:read'],
  defaultTools: ['*'],
  defaultResources: ['*'],
  catalogue: new Map([
    ...builtInPermissions(),
    ['example:read', 'Read from the example API'],
    ['read_weather', 'Read the weather data'],
  ]),
  registration: 'open',
  registrationTokenSeconds: 86_400,
  secretOverlapSeconds: 3600,
  webhooks: { perAgent: 3, secretOverlapSeconds: 3600 },
};

const BOOTSTRAP = {
  adminEmail: ADMIN_EMAIL,
  adminPassword: ADMIN_PASSWORD,
  adminClientSecret: ADMIN_SECRET,
  allowGenerate: false,
  exampleServers: [
    {
      name: 'example',
      audiences: [DEFAULT_AUDIENCE],
      scopes: ['reports:read', 'reports:write', 'example:read'],
      tokenFormat: 'jwt',
    },
  ],
  scopes: ['reports:read', 'reports:write', 'example:read'],
} as const;
