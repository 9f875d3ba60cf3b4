import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;
const END_WITHIN_MS = 15_000;
const OUTPUT_KEPT = 4000;

/** Ended hard when this process ends in a way that left no time for more. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Address that answers 2xx when the server is ready. */
  readonly readyAt: string;
}

export interface ServerProcess {
  readonly pid: number;
  /** From the spawn to the first good answer, in milliseconds. */
  readonly startedIn: number;
  /** Asks it to end, and waits. */
  end(): Promise<void>;
}

/** Starts a server and waits until it answers. @throws Error with its last output if it does not. */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const begun = performance.now();
  const child = spawn(command.command, command.args, {
    cwd: command.cwd,
    env: { PATH: process.env['PATH'] ?? '', ...command.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    // Its own group: Ctrl-C is for the benchmark, which then ends its servers one by one.
    detached: true,
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
  });
  running.add(child);
  const end = async () => {
    await endProcess(child);
    running.delete(child);
  };
  try {
    await answering(child, command.readyAt);
    if (child.pid === undefined) throw new Error('it has no process id');
  } catch (error) {
    await end();
    throw new Error(`${command.command} ${command.args.join(' ')} did not start:\n${output}`, {
      cause: error,
    });
  }
  return { pid: child.pid, startedIn: performance.now() - begun, end };
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (failure) throw failure;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return;
    await setTimeout(10);
  }
  throw new Error(`no answer at ${url} in ${READY_WITHIN_MS / 1000} s`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = new AbortController();
  void setTimeout(END_WITHIN_MS, undefined, { signal: patience.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await ended;
  patience.abort();
}
