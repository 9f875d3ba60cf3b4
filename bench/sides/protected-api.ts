import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import type { Workload } from '../load/messages.ts';
import { startServerProcess } from '../process/server-process.ts';
import type { Stage } from '../process/stage.ts';
import type { Side } from './side.ts';
import { AUDIENCE, type Taskgrant } from './taskgrant.ts';

export interface ProtectedApiOptions {
  readonly mode: 'live' | 'introspection' | 'unprotected';
  /** How many verified tokens it remembers. Default: the SDK's. */
  readonly remember?: number;
  /** Where it follows the revocations, when that is not the server itself. */
  readonly revocations?: string;
}

/** An API of the server's AUDIENCE, in a process of its own. */
export interface ProtectedApi extends Side {
  /** SIGKILL. */
  kill(): void;
  /** Starts it again on its port. */
  restart(): Promise<void>;
}

const PATH = '/notes';

export async function startProtectedApi(
  stage: Stage,
  taskgrant: Taskgrant,
  { mode, remember, revocations }: ProtectedApiOptions,
): Promise<ProtectedApi> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const cwd = await stage.directory();
  const start = () =>
    startServerProcess({
      command: process.execPath,
      args: ['--conditions=taskgrant-source', join(import.meta.dirname, 'protected-api-server.ts')],
      cwd,
      env: {
        PORT: String(port),
        ISSUER: taskgrant.origin,
        AUDIENCE,
        CLIENT_ID: taskgrant.apiClient.id,
        CLIENT_SECRET: taskgrant.apiClient.secret,
        MODE: mode,
        ...(remember === undefined ? {} : { REMEMBER: String(remember) }),
        ...(revocations === undefined ? {} : { REVOCATIONS: revocations }),
      },
      readyAt: `${origin}/health`,
    });
  let running = await start();
  stage.onClear(() => running.end());
  return {
    origin,
    get pid() {
      return running.pid;
    },
    get startedIn() {
      return running.startedIn;
    },
    kill: () => void process.kill(running.pid, 'SIGKILL'),
    async restart() {
      await running.end();
      running = await start();
    },
  };
}

/** Every request brings one of the tokens, each in its turn. */
export function calling(tokens: readonly string[]): Workload {
  return {
    path: PATH,
    headers: {},
    bodies: [''],
    authorizations: tokens.map((token) => `Bearer ${token}`),
    expect: '"notes"',
  };
}

/** What the API answers to a token: its status. */
export async function statusAt({ origin }: ProtectedApi, token: string): Promise<number> {
  const response = await fetch(origin + PATH, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}
