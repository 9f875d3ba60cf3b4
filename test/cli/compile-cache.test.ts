import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startServerProcess } from '../support/server-process.ts';

const run = promisify(execFile);
const SOURCES = join(import.meta.dirname, '../../src');
const MAIN = join(SOURCES, 'cli/main.ts');
/** What was never compiled takes its time. */
const LONG_MS = 120_000;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'taskgrant-compiled-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function help(env: Record<string, string>) {
  return run(process.execPath, [MAIN, '--help'], { env: { PATH: process.env['PATH'] ?? '', ...env } });
}

function files(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true }).map(String);
}

test('a program keeps what was compiled for its next start, where it is told to', async () => {
  const cache = join(home, 'cache');
  const first = await help({ NODE_COMPILE_CACHE: cache });
  const kept = files(cache).length;
  expect(kept).toBeGreaterThan(50);
  const second = await help({ NODE_COMPILE_CACHE: cache });
  expect([second.stdout, second.stderr]).toEqual([first.stdout, '']);
  expect(files(cache)).toHaveLength(kept);
});

test('a program that may not keep anything works as well', async () => {
  const file = join(home, 'file');
  writeFileSync(file, '');
  mkdirSync(join(home, 'closed'));
  chmodSync(join(home, 'closed'), 0o500);
  for (const env of [
    { NODE_COMPILE_CACHE: join(file, 'cache') },
    { NODE_COMPILE_CACHE: join(home, 'closed', 'cache') },
    { NODE_DISABLE_COMPILE_CACHE: '1' },
  ]) {
    const { stdout, stderr } = await help(env);
    expect([stdout.includes('Usage: taskgrant'), stderr]).toEqual([true, '']);
  }
});

/** Lets every process write down which program it ran and whether it needed the part of Node that strips types. */
function tellingWhatStrips(note: string): string {
  const program = `
    import { appendFileSync } from 'node:fs';
    import { basename } from 'node:path';
    process.on('exit', () => {
      const strips = process.moduleLoadList.some((name) => name.includes('amaro'));
      appendFileSync(${JSON.stringify(note)}, basename(process.argv[1] ?? 'none') + (strips ? ' strips' : '') + '\\n');
    });`;
  return `--import=data:text/javascript,${encodeURIComponent(program)}`;
}

test(
  'another process compiles all that a server loads, before its first start alone',
  async () => {
    const note = join(home, 'note');
    const env = { NODE_COMPILE_CACHE: join(home, 'cache'), NODE_OPTIONS: tellingWhatStrips(note) };
    const options = { env: { PATH: process.env['PATH'], ...env } };
    await run(process.execPath, [join(SOURCES, 'start.js'), '--help'], options);
    const server = await startServerProcess({ env });
    server.signal('SIGTERM');
    await server.exited();
    await server.start();
    await server.stop();
    expect(readFileSync(note, 'utf8').split('\n')).toEqual([
      'compile.js strips',
      'start.js',
      'start.js',
      'start.js',
      '',
    ]);
  },
  LONG_MS,
);

test(
  'what was compiled is compiled again for other sources, and nothing is left to the thread that commits',
  async () => {
    const note = join(home, 'note');
    const cache = join(home, 'cache');
    const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: cache };
    const start = () =>
      run(process.execPath, [join(SOURCES, 'start.js'), '--help'], {
        env: { ...env, NODE_OPTIONS: tellingWhatStrips(note) },
      });
    await start();
    const noted = files(cache).filter((name) => basename(name).startsWith('sources-'));
    expect(noted).toHaveLength(1);
    writeFileSync(join(cache, String(noted[0])), 'src/other.ts 1 1');
    await start();
    await start();
    expect(readFileSync(note, 'utf8').split('\n')).toEqual([
      'compile.js strips',
      'start.js',
      'compile.js',
      'start.js',
      'start.js',
      '',
    ]);
    const kept = files(cache).length;
    expect(await commitThreadOf(env)).toBe('ready\n');
    // The program that starts it.
    expect(files(cache)).toHaveLength(kept + 1);
  },
  LONG_MS,
);

/** Keeps every process going, and writes down which programs were begun and have ended by themselves. */
function keepingAlive(note: string): string {
  const program = `
    import { appendFileSync } from 'node:fs';
    import { basename } from 'node:path';
    const tell = (what) =>
      appendFileSync(${JSON.stringify(note)}, basename(process.argv[1] ?? 'none') + what + '\\n');
    tell(' began');
    setInterval(() => {}, 1000);
    process.on('exit', () => tell(' ended'));`;
  return `--import=data:text/javascript,${encodeURIComponent(program)}`;
}

test(
  'a start does not wait for what goes on in the process that compiles when it has compiled',
  async () => {
    const note = join(home, 'note');
    const env = { NODE_COMPILE_CACHE: join(home, 'cache'), NODE_OPTIONS: keepingAlive(note) };
    const server = await startServerProcess({ env });
    await server.stop();
    expect(readFileSync(note, 'utf8')).toContain('compile.js ended');
  },
  LONG_MS,
);

test(
  'a start that is told to end while the sources are compiled ends, and what compiles with it',
  async () => {
    const told = (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map(async (signal) => {
      const note = join(home, signal);
      writeFileSync(note, '');
      const env = { NODE_COMPILE_CACHE: join(home, `cache-${signal}`), NODE_OPTIONS: keepingAlive(note) };
      const start = spawn(process.execPath, [join(SOURCES, 'start.js')], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: 'ignore',
      });
      const ended = once(start, 'exit');
      while (!readFileSync(note, 'utf8').includes('compile.js began')) await setTimeout(20);
      start.kill(signal);
      expect(await ended).toEqual([0, null]);
      return note;
    });
    const notes = await Promise.all(told);
    // More than it would have needed.
    await setTimeout(5_000);
    for (const note of notes) expect(readFileSync(note, 'utf8')).not.toContain('compile.js ended');
  },
  LONG_MS,
);

test('sources that lead nowhere keep nothing from starting', async () => {
  mkdirSync(join(home, 'src/runtime'), { recursive: true });
  mkdirSync(join(home, 'migrations'));
  const module = join(home, 'src/runtime/compiled-sources.mjs');
  copyFileSync(join(SOURCES, 'runtime/compiled-sources.js'), module);
  writeFileSync(join(home, 'src/main.ts'), '');
  // As Emacs marks what is being edited.
  symlinkSync('somebody@somewhere.1', join(home, 'src/.#main.ts'));
  const { stdout } = await run(process.execPath, [
    '--input-type=module',
    '-e',
    `console.log((await import(${JSON.stringify(module)})).sources())`,
  ]);
  expect(stdout).toMatch(/^src\/main\.ts 0 \d+\n$/);
});

/** What the thread that commits tells first, when it is started by a program of its own. */
async function commitThreadOf(env: NodeJS.ProcessEnv): Promise<string> {
  const file = join(home, 'database');
  writeFileSync(file, '');
  const thread = [
    join(SOURCES, 'store/commit/plain/commit-worker.ts'),
    { workerData: { file, busyTimeoutMs: 1 } },
  ];
  const program = join(home, 'program.cjs');
  writeFileSync(
    program,
    `const { Worker } = require('node:worker_threads');
    const thread = new Worker(...${JSON.stringify(thread)});
    thread.on('message', (text) => { console.log(text); thread.terminate(); });`,
  );
  const { stdout } = await run(process.execPath, [program], { env });
  return stdout;
}
