import { join } from 'node:path';
import type { Workload } from '../load/messages.ts';
import { ask, basic, FORM, form } from '../process/requests.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServerProcess } from '../process/server-process.ts';
import type { Stage } from '../process/stage.ts';
import type { Side } from './side.ts';

const AUDIENCE = 'https://api.bench.example/';
const CLIENT = { id: 'bench-agent', secret: 'a-secret-of-the-benchmark-0123456789abcdef' };
const AUTHENTICATED = { ...FORM, ...basic(CLIENT.id, CLIENT.secret) };
const TOKEN_PATH = '/token';
const OPAQUE = { grant_type: 'client_credentials', scope: 'example:read' };

/** oidc-provider alone, with its records in memory. */
export async function startBareProvider(stage: Stage): Promise<Side> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const running = await startServerProcess({
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'bare-provider-server.ts'),
      String(port),
      AUDIENCE,
      CLIENT.id,
      CLIENT.secret,
    ],
    cwd: import.meta.dirname,
    env: { NODE_ENV: 'production' },
    readyAt: `${origin}/.well-known/openid-configuration`,
  });
  stage.onClear(() => running.end());
  return { origin, pid: running.pid, startedIn: running.startedIn };
}

/** Every request issues a token: opaque and stored, or an ES256 JWT that is stored nowhere. */
export function bareIssuing(format: 'opaque' | 'jwt'): Workload {
  return {
    path: TOKEN_PATH,
    headers: AUTHENTICATED,
    bodies: [form(format === 'jwt' ? { ...OPAQUE, resource: AUDIENCE } : OPAQUE)],
    expect: '"access_token"',
  };
}

/** An opaque token. */
export async function bareToken({ origin }: Side): Promise<string> {
  const answer = await ask<{ access_token: string }>({
    url: `${origin}${TOKEN_PATH}`,
    headers: AUTHENTICATED,
    body: form(OPAQUE),
  });
  return answer.access_token;
}

export function bareIntrospecting(tokens: readonly string[]): Workload {
  return {
    path: '/token/introspection',
    headers: AUTHENTICATED,
    bodies: tokens.map((token) => form({ token })),
    expect: '"active":true',
  };
}
