// Developer tools: for Node.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

/** A server process of ours. */
export interface ServerRun {
  /** The last of what it printed. */
  output(): string;
  /** Waits until the URL answers 200. @throws Error with the output when it ends before, or is late. */
  ready(url: string, within: number): Promise<void>;
  /** SIGTERM, and SIGKILL when that does not help. */
  end(): Promise<void>;
}

export interface RunOptions {
  readonly node: string;
  readonly main: string;
  /** The working directory, with its `config`. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

const MOST_OUTPUT = 64_000;
/** What the server prints when the port is its own: its greeting, or in production, where it has none, its log. */
const LISTENS = /Taskgrant is listening on|"message":"listening"/;
const LOOK_EVERY_MS = 50;
const ENDS_WITHIN_MS = 5_000;

export function startRun({ node, main, home, env }: RunOptions): ServerRun {
  const child: ChildProcess = spawn(node, ['--disable-warning=ExperimentalWarning', main], {
    cwd: home,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const keep = (chunk: Buffer) => void (text = (text + chunk.toString()).slice(-MOST_OUTPUT));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(`${error.message}\n`)));
  // It must not outlive the test, however that ends.
  const emergency = () => void child.kill('SIGKILL');
  process.once('exit', emergency);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  }).finally(() => process.off('exit', emergency));
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;

  return {
    output: () => text,
    async ready(url, within) {
      const signal = AbortSignal.timeout(within);
      while (running() && !signal.aborted) {
        // Somebody else who has the port would answer, too.
        if (LISTENS.test(text) && (await answers(url, signal))) return;
        await Promise.race([ended, setTimeout(LOOK_EVERY_MS)]);
      }
      throw new Error(`the server did not become ready:\n${text}`);
    },
    async end() {
      if (!running()) return ended;
      child.kill('SIGTERM');
      const late = setTimeout(ENDS_WITHIN_MS, 'late', { ref: false });
      if ((await Promise.race([ended, late])) !== 'late') return;
      child.kill('SIGKILL');
      if (running()) await once(child, 'exit');
    },
  };
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    // Not yet.
    return false;
  }
}
