import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/run.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a process of its own, in an empty environment. */
export function startCli(
  args: readonly string[],
  env: Record<string, string>,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [MAIN, ...args], { cwd: tmpdir(), env });
}

export async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...output };
}

/** The same within this process, which is much faster: environment and output are exchanged meanwhile. */
async function runHere(args: readonly string[], env: Record<string, string>): Promise<Finished> {
  const before = { env: process.env, stdout: process.stdout.write, stderr: process.stderr.write };
  const output = { stdout: '', stderr: '' };
  const catching = (name: 'stdout' | 'stderr') => (text: string | Uint8Array) => {
    output[name] += String(text);
    return true;
  };
  process.env = env;
  process.stdout.write = catching('stdout');
  process.stderr.write = catching('stderr');
  try {
    return { code: await run(args), ...output };
  } finally {
    process.env = before.env;
    process.stdout.write = before.stdout;
    process.stderr.write = before.stderr;
  }
}

export interface Workplace {
  readonly directory: string;
  run(...args: string[]): Promise<Finished>;
  /** The JSON of a command that succeeds. */
  json(...args: string[]): Promise<Record<string, unknown>>;
  remove(): void;
}

/** A database of its own. */
export function createWorkplace(settings: Record<string, string> = {}): Workplace {
  const directory = settings['DATA_DIR'] ?? mkdtempSync(join(tmpdir(), 'taskgrant-cli-'));
  const env = { DATA_DIR: directory, LOG_DIR: join(directory, 'cli-logs'), ...settings };
  return {
    directory,
    run: (...args) => runHere(args, { ...env }),
    async json(...args) {
      const { code, stdout, stderr } = await runHere([...args, '--json'], { ...env });
      if (code !== 0) throw new Error(`taskgrant ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
