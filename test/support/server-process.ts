import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import {
  ADMIN_CLIENT_SECRET,
  ADMIN_EMAIL,
  ADMIN_PASSWORD,
  type RunningServer,
  TEST_SETTINGS,
} from './server.ts';

const MAIN = new URL('../../src/start.js', import.meta.url).pathname;
const READY_MS = 60_000;
const MOST_OUTPUT = 64_000;

export interface ProcessOptions {
  /** Environment variables beside the ones that the tests need. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings that have no environment variable, as in config/*.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** `src/main.ts` of another release; absent = of this one. */
  readonly main?: string;
  /** Arguments of `npm start --`. */
  readonly args?: readonly string[];
  /** PostgreSQL; absent = the embedded database in a directory of its own. */
  readonly databaseUrl?: string | undefined;
  /** Where it listens; absent = a free port that it keeps over restarts. */
  readonly port?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The product as `npm start` runs it: a process of its own, which tests may kill. */
export interface ServerProcess extends RunningServer {
  readonly dataDir: string;
  readonly logDir: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** The last of what it has printed since its first start, standard error included. */
  output(): string;
  /** Sends a signal without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void;
  /** How the process ended; waits for it. */
  exited(): Promise<Exit>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<Exit>;
  /** Runs it again on the same port and directories. Resolves when it is ready. @throws Error when it ends before. */
  start(): Promise<void>;
  /** SIGTERM, waits for the end and removes its directories. */
  stop(): Promise<void>;
}

/** Starts `node src/start.js` and waits until it is ready. @throws Error with its output when it ends before. */
export async function startServerProcess(options: ProcessOptions = {}): Promise<ServerProcess> {
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-process-'));
  mkdirSync(join(home, 'config'));
  writeFileSync(join(home, 'config/test.json'), JSON.stringify({ ...TEST_SETTINGS, ...options.settings }));
  const port = options.port ?? (await freePort());
  const address = `http://127.0.0.1:${port}`;
  const issuer = options.env?.['ISSUER'] ?? address;
  const dataDir = options.env?.['DATA_DIR'] ?? join(home, 'data');
  const logDir = options.env?.['LOG_DIR'] ?? join(home, 'logs');
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'test',
    PORT: String(port),
    ISSUER: issuer,
    DATA_DIR: dataDir,
    LOG_DIR: logDir,
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    ADMIN_CLIENT_SECRET,
    ...(options.databaseUrl ? { DATABASE_URL: options.databaseUrl } : {}),
    ...options.env,
  };
  const main = createMain(home, env, [options.main ?? MAIN, ...(options.args ?? [])]);
  const start = async () => {
    main.start();
    await ready(address, main);
  };
  const stop = async () => {
    await main.end('SIGTERM');
    main.forget();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await main.end('SIGKILL');
    await stop();
    throw error;
  }
  return {
    issuer,
    address,
    apiAudience: `${issuer}/api`,
    clock: { now: () => Date.now() },
    dataDir,
    logDir,
    get pid() {
      return main.pid();
    },
    output: main.output,
    signal: main.signal,
    exited: main.exited,
    kill: () => main.end('SIGKILL'),
    start,
    stop,
  };
}

/** One process after the other. */
function createMain(home: string, env: NodeJS.ProcessEnv, args: readonly string[]) {
  let output = '';
  let child: ChildProcess | undefined;
  let ended: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  const emergency = () => void child?.kill('SIGKILL');
  process.once('exit', emergency);
  return {
    start() {
      if (child) throw new Error('the server runs already');
      const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
        cwd: home,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      for (const stream of [started.stdout, started.stderr]) {
        stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-MOST_OUTPUT)));
      }
      ended = once(started, 'close').then(([code, signal]) => {
        child = undefined;
        return { code, signal };
      });
    },
    pid: () => child?.pid,
    output: () => output,
    signal: (signal: NodeJS.Signals) => void child?.kill(signal),
    exited: () => ended,
    async end(signal: NodeJS.Signals): Promise<Exit> {
      child?.kill(signal);
      return ended;
    },
    /** For one that has ended: the end of this process means nothing to it any more. */
    forget: () => void process.off('exit', emergency),
  };
}

/** Asks until `/health/ready` says 200. */
async function ready(address: string, main: { pid(): number | undefined; output(): string }): Promise<void> {
  for (const late = Date.now() + READY_MS; Date.now() < late; await setTimeout(20)) {
    if (main.pid() === undefined) break;
    const answer = await fetch(`${address}/health/ready`).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error(`the server did not become ready:\n${main.output()}`);
}

/** What a file of LOG_DIR holds, entry by entry; nothing when there is no such file yet. */
export function logEntries(
  { logDir }: Pick<ServerProcess, 'logDir'>,
  file: string,
): Record<string, unknown>[] {
  let text = '';
  try {
    text = readFileSync(join(logDir, file), 'utf8');
  } catch {
    return [];
  }
  // The last line of a process that was killed may be cut off.
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
