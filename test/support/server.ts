import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Taskgrant } from '../../src/build.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { FetchForParty } from '../../src/oidc/fetch-for-asker.ts';
import { holdToDescription } from './described-answers.ts';
import { PATIENCE_MS } from './patience.ts';
import { createDatabase } from './postgres.ts';

export const ADMIN_CLIENT = 'taskgrant-admin';
export const ADMIN_CLIENT_SECRET = 'tgs_secret-of-the-administration-client-0123456789';
export const ADMIN_EMAIL = 'admin@example.com';
export const ADMIN_PASSWORD = 'correct horse battery staple';

export interface ServerOptions {
  /** Environment variables beside the ones that the tests need. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings that have no environment variable, as in config/*.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly database?: 'sqlite' | 'postgres';
  /** The network that metadata documents of clients come from. */
  readonly fetch?: FetchForParty;
}

/** Time that goes on by itself and can be moved forward. Only the task engine follows it, not the OAuth engine. */
export interface SkippingClock {
  now(): number;
  advance(seconds: number): void;
}

/** What requests need to know of a server, in this process or in one of its own. */
export interface RunningServer {
  readonly issuer: string;
  /** Where it listens: the issuer, unless another one was configured. */
  readonly address: string;
  /** `aud` of tokens for the server's own API. */
  readonly apiAudience: string;
  readonly clock: { now(): number };
}

/** The whole product, listening on a free port with a data directory of its own. */
export interface TestServer extends RunningServer {
  /** `aud` of tokens whose request names no resource. */
  readonly defaultAudience: string;
  readonly clock: SkippingClock;
  readonly taskgrant: Taskgrant;
  readonly logDir: string;
  stop(): Promise<void>;
}

/** Cheap passwords, and scopes of which one is not among those that anybody may register with. */
export const TEST_SETTINGS = {
  argon2: { memoryKiB: 8192, passes: 1, parallelism: 1 },
  scopes: {
    'reports:read': { description: 'Read reports' },
    'reports:write': { description: 'Write reports' },
    'files:read': { description: 'Read files' },
  },
  registration: { defaultPermissions: ['example:read', 'reports:read'] },
  // Suites ask from one address and with few agents; those about limits set their own.
  limits: { tiers: { free: 100_000, pro: 100_000 }, anonymous: 100_000, registrations: 10_000 },
  resourceServers: [{ name: 'example', audiences: ['{issuer}/api/oauth/protected'], tokenFormat: 'jwt' }],
};

/** Starts a server. Every suite that starts one stops it. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-'));
  mkdirSync(join(home, 'config'));
  writeFileSync(join(home, 'config/test.json'), JSON.stringify({ ...TEST_SETTINGS, ...options.settings }));
  const http = createServer();
  // As the product does: on a busy machine a shorter time ends connections under the next request.
  http.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const issuer = options.env?.['ISSUER'] ?? address;
  const clock = createSkippingClock();
  const database = options.database === 'postgres' ? await createDatabase() : undefined;
  const env = {
    NODE_ENV: 'test',
    ISSUER: issuer,
    DATA_DIR: join(home, 'data'),
    LOG_DIR: join(home, 'logs'),
    DATABASE_TIMEOUT: String(PATIENCE_MS),
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    ADMIN_CLIENT_SECRET,
    ...(database ? { DATABASE_URL: database.url } : {}),
    ...options.env,
  };
  const config = loadConfig(env, home);
  const taskgrant = await build(config, { clock, fetch: options.fetch });
  const checking = holdToDescription(taskgrant.description);
  taskgrant.app.middleware.unshift(checking.middleware);
  http.on('request', taskgrant.app.callback());
  return {
    issuer,
    address,
    apiAudience: config.apiAudience,
    defaultAudience: config.defaultResource,
    clock,
    taskgrant,
    logDir: config.logDir,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await taskgrant.close();
      await database?.drop();
      rmSync(home, { recursive: true, force: true });
      checking.finish();
    },
  };
}

function createSkippingClock(): SkippingClock {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    advance(seconds) {
      ahead += seconds * 1000;
    },
  };
}
