import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Workload } from '../load/messages.ts';
import { basic, FORM, form } from '../process/requests.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServerProcess } from '../process/server-process.ts';
import type { Stage } from '../process/stage.ts';
import { startOwnPostgres } from './postgres.ts';
import type { DatabaseKind, Side } from './side.ts';

const HOME = join(import.meta.dirname, '../better-auth');
const AUDIENCE = 'https://api.bench.example/';
const CLIENT = { id: 'bench-agent', secret: 'a-secret-of-the-benchmark-0123456789abcdef' };
const OPAQUE = { grant_type: 'client_credentials', scope: 'example:read' };

/** better-auth with its OAuth provider plugin; its packages are installed on first use. */
export async function startBetterAuth(stage: Stage, database: DatabaseKind): Promise<Side> {
  await install();
  const postgres = database === 'postgres' ? await startOwnPostgres(stage) : undefined;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const file = join(await stage.directory(), 'better-auth.db');
  const running = await startServerProcess({
    command: process.execPath,
    args: [join(HOME, 'server.js'), String(port), postgres?.url ?? file, AUDIENCE, CLIENT.id, CLIENT.secret],
    cwd: HOME,
    env: { NODE_ENV: 'production' },
    readyAt: `${origin}/api/auth/ok`,
  });
  stage.onClear(() => running.end());
  return {
    origin,
    pid: running.pid,
    databasePid: postgres?.pid,
    startedIn: running.startedIn,
    settle: async () => postgres?.settle(),
  };
}

/** Every request issues a token: opaque and stored, or an ES256 JWT that is stored nowhere. */
export function betterAuthIssuing(format: 'opaque' | 'jwt'): Workload {
  return {
    path: '/api/auth/oauth2/token',
    headers: { ...FORM, ...basic(CLIENT.id, CLIENT.secret) },
    bodies: [form(format === 'jwt' ? { ...OPAQUE, resource: AUDIENCE } : OPAQUE)],
    expect: '"access_token"',
  };
}

/** @throws Error when the packages cannot be installed. */
async function install(): Promise<void> {
  if (existsSync(join(HOME, 'node_modules/better-auth'))) return;
  console.error('installing better-auth into bench/better-auth');
  const npm = spawn('npm', ['ci', '--prefix', HOME, '--ignore-scripts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(npm, 'exit')) as [number | null];
  if (code !== 0) throw new Error('better-auth could not be installed');
}
