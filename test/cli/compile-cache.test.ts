import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

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
