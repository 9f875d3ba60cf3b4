import { execFileSync, spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { looksUpNames } from '../../src/process/end-process.ts';

test('a process ends at once, with its exit code, though a thread of its pool hangs', async () => {
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-ending-'));
  // Opening it to read takes until somebody opens it to write, as a look-up takes until somebody answers.
  const pipe = join(home, 'nobody-writes');
  execFileSync('mkfifo', [pipe]);
  const program = `
    import { open } from 'node:fs';
    import { endProcess } from '${new URL('../../src/process/end-process.ts', import.meta.url).href}';
    process.on('exit', () => process.stdout.write('written before the end'));
    open(${JSON.stringify(pipe)}, 'r', () => {});
    setTimeout(() => endProcess(3, () => true), 50);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  let written = '';
  child.stdout.on('data', (text) => (written += String(text)));
  try {
    expect(await once(child, 'close')).toEqual([3, null]);
    expect(written).toBe('written before the end');
  } finally {
    child.kill('SIGKILL');
    rmSync(home, { recursive: true });
  }
}, 20_000);

test('a name that is being looked up is such a thread', async () => {
  expect(looksUpNames()).toBe(false);
  const found = lookup('localhost');
  expect(looksUpNames()).toBe(true);
  await found;
});
