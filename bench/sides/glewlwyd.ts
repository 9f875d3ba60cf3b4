import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import type { Workload } from '../load/messages.ts';
import { basic, FORM, form } from '../process/requests.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServerProcess } from '../process/server-process.ts';
import type { Stage } from '../process/stage.ts';
import type { Side } from './side.ts';

/** Where Debian's packages put it. */
const PROGRAM = '/usr/bin/glewlwyd';
const SCHEMA = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz';
const MODULES = '/usr/lib/glewlwyd';
const CLIENT = { id: 'bench-agent', secret: 'a-secret-of-the-benchmark-0123456789abcdef' };
const SCOPE = 'bench';

export function glewlwydIsInstalled(): boolean {
  return existsSync(PROGRAM) && existsSync(SCHEMA);
}

/** glewlwyd on its SQLite database with its OpenID Connect plugin; no logs, one round of PBKDF2 for client secrets. */
export async function startGlewlwyd(stage: Stage): Promise<Side> {
  const home = await stage.directory();
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const file = join(home, 'glewlwyd.db');
  createDatabase(file);
  writeFileSync(join(home, 'glewlwyd.conf'), configuration(port, file));
  const running = await startServerProcess({
    command: PROGRAM,
    args: ['--config-file', join(home, 'glewlwyd.conf')],
    cwd: home,
    env: {},
    readyAt: `${origin}/config`,
  });
  stage.onClear(() => running.end());
  await administer(origin);
  return { origin, pid: running.pid, startedIn: running.startedIn };
}

/** Every request issues an ES256 JWT, which is stored. */
export function glewlwydIssuing(): Workload {
  return {
    path: '/api/oidc/token',
    headers: { ...FORM, ...basic(CLIENT.id, CLIENT.secret) },
    bodies: [form({ grant_type: 'client_credentials', scope: SCOPE })],
    expect: '"access_token"',
  };
}

/** The schema as packaged, WAL instead of the slower default journal, and cheap digests of high-entropy secrets. */
function createDatabase(file: string): void {
  const database = new Sqlite(file);
  database.pragma('journal_mode = WAL');
  database.exec(gunzipSync(readFileSync(SCHEMA)).toString());
  const module = database
    .prepare<unknown[], { parameters: string }>(
      'SELECT gcmi_parameters AS parameters FROM g_client_module_instance',
    )
    .get();
  const parameters = { ...(JSON.parse(module?.parameters ?? '{}') as object), 'pbkdf2-iterations': 1 };
  database.prepare('UPDATE g_client_module_instance SET gcmi_parameters = ?').run(JSON.stringify(parameters));
  database.close();
}

function configuration(port: number, file: string): string {
  const settings: Record<string, string | number | boolean> = {
    port,
    bind_address: '127.0.0.1',
    external_url: `http://127.0.0.1:${port}`,
    login_url: 'login.html',
    api_prefix: 'api',
    log_mode: 'console',
    log_level: 'NONE',
    cookie_domain: '127.0.0.1',
    session_expiration: 3600,
    session_key: 'GLEWLWYD2_SESSION_ID',
    admin_scope: 'g_admin',
    profile_scope: 'g_profile',
    user_module_path: `${MODULES}/user`,
    user_middleware_module_path: `${MODULES}/user_middleware`,
    client_module_path: `${MODULES}/client`,
    user_auth_scheme_module_path: `${MODULES}/scheme`,
    plugin_module_path: `${MODULES}/plugin`,
    hash_algorithm: 'SHA512',
    static_files_path: '/usr/share/glewlwyd/webapp/',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${lines.join('\n')}\ndatabase = { type = "sqlite3" path = ${JSON.stringify(file)} };\n`;
}

/** What one would click together in its administration. The password is the one of the packaged schema. */
async function administer(origin: string): Promise<void> {
  const signedIn = await send(origin, '/api/auth/', { username: 'admin', password: 'password' });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((set) => set.split(';')[0])
    .join('; ');
  await send(origin, '/api/scope/', { name: SCOPE, display_name: SCOPE, password_required: false }, cookie);
  await send(
    origin,
    '/api/client/',
    {
      client_id: CLIENT.id,
      name: 'Bench agent',
      password: CLIENT.secret,
      client_secret: CLIENT.secret,
      confidential: true,
      enabled: true,
      scope: [SCOPE],
      redirect_uri: [],
      authorization_type: ['client_credentials'],
      token_endpoint_auth_method: ['client_secret_basic'],
    },
    cookie,
  );
  await send(origin, '/api/mod/plugin/', plugin(origin), cookie);
}

function plugin(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    parameters: {
      iss: `${origin}/api/oidc`,
      'jwt-type': 'ecdsa',
      'jwt-key-size': '256',
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: publicKey.export({ type: 'spki', format: 'pem' }),
      'access-token-duration': 600,
      'refresh-token-duration': 1_209_600,
      'code-duration': 600,
      'refresh-token-rolling': false,
      'allow-non-oidc': true,
      'auth-type-code-enabled': false,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-none-enabled': false,
      'auth-type-password-enabled': false,
      'auth-type-client-enabled': true,
      'auth-type-refresh-enabled': false,
      'subject-type': 'public',
    },
  };
}

async function send(origin: string, path: string, body: object, cookie = ''): Promise<Response> {
  const response = await fetch(`${origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`glewlwyd: ${path}: ${response.status} ${await response.text()}`);
  return response;
}
