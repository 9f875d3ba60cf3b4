import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PRODUCT = join(import.meta.dirname, '../..');
const READY_WITHIN_MS = 20_000;

export interface StartedServer {
  readonly issuer: string;
  readonly adminSecret: string;
  /** Holds the database; DATA_DIR for the command line. */
  readonly directory: string;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** A server of its own: a free port, a temporary directory, secrets that nobody else knows. */
export async function startServer(env: Record<string, string> = {}): Promise<StartedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'taskgrant-demo-'));
  const adminSecret = randomBytes(32).toString('base64url');
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const output: string[] = [];
  await cp(join(PRODUCT, 'config'), join(directory, 'config'), { recursive: true });
  const child = spawn(process.execPath, [join(PRODUCT, 'src/start.js')], {
    // Its settings are those of `npm start`; a .env of the project stays out of it.
    cwd: directory,
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'development',
      PORT: String(port),
      DATA_DIR: directory,
      LOG_DIR: join(directory, 'logs'),
      ADMIN_CLIENT_SECRET: adminSecret,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)));
  const stop = () => end(child, directory);
  try {
    await ready(issuer, child);
  } catch (error) {
    await stop();
    throw new Error(`the server did not start:\n${output.join('')}`, { cause: error });
  }
  return { issuer, adminSecret, directory, stop };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function ready(issuer: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until && child.exitCode === null) {
    const response = await fetch(`${issuer}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('not ready');
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
}
