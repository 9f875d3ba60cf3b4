import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { oauthProvider } from '@better-auth/oauth-provider';
import Sqlite from 'better-sqlite3';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import pg from 'pg';

/**
 * better-auth with its OAuth provider plugin, set up to be as fast as it can be without giving anything up: clients
 * cached in memory, secrets hashed with SHA-256, no rate limits, no logs, no telemetry, durable commits.
 */
const [port, database, audience, clientId, clientSecret] = process.argv.slice(2);
const sha256 = (value) => createHash('sha256').update(value).digest('base64url');

function openDatabase() {
  if (database.startsWith('postgres:')) return new pg.Pool({ connectionString: database, max: 10 });
  const sqlite = new Sqlite(database);
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  return sqlite;
}

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: randomBytes(32).toString('base64'),
  database: openDatabase(),
  logger: { disabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  disabledPaths: ['/token'],
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: 'ES256' } }, disableSettingJwtHeader: true }),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: ['openid', 'example:read'],
      storeClientSecret: { hash: async (secret) => sha256(secret) },
      cachedTrustedClients: new Set([clientId]),
      m2mAccessTokenExpiresIn: 600,
      resources: [audience],
      cachedResources: new Set([audience]),
      enforcePerClientResources: false,
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const { adapter } = await auth.$context;
await adapter.create({
  model: 'oauthClient',
  data: {
    clientId,
    clientSecret: sha256(clientSecret),
    name: 'Bench agent',
    redirectUris: [],
    grantTypes: ['client_credentials'],
    tokenEndpointAuthMethod: 'client_secret_basic',
    scopes: ['example:read'],
    clientCredentialsScopes: ['example:read'],
    disabled: false,
    createdAt: new Date(),
    updatedAt: new Date(),
  },
});

const handle = toNodeHandler(auth);
const server = createServer((request, response) => void handle(request, response));
server.keepAliveTimeout = 65_000;
server.listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit());
