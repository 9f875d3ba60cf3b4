import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const LOGGERS = pathToFileURL(join(import.meta.dirname, '../../src/log/loggers.ts')).href;

let logDir: string;

beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), 'taskgrant-log-'));
});

afterEach(() => rmSync(logDir, { recursive: true, force: true }));

/** Runs `story` in a process of its own with `log`, the loggers. */
function run(story: string, shell?: string) {
  const script = `
    const { createLoggers } = await import(${JSON.stringify(LOGGERS)});
    const rotation = { maxSize: '20m', maxDays: 14, compress: false };
    const log = createLoggers({ logDir: ${JSON.stringify(logDir)}, level: 'info', rotation, console: 'json' });
    const lines = (from, to) => { for (let n = from; n < to; n += 1) log.oauth.info('line', { n }); };
    ${story}`;
  const options = { encoding: 'utf8' as const, timeout: 15_000, maxBuffer: 64 * 1024 * 1024 };
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  return shell === undefined
    ? spawnSync(process.execPath, args, options)
    : spawnSync('/bin/sh', ['-c', shell, process.execPath, ...args], options);
}

const numbers = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { n?: number }).n);
const inFile = (name: string) => numbers(readFileSync(join(logDir, name), 'utf8'));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a process that ends without closing its logs has written every line, once and in order,', () => {
  test.each([
    ['by process.exit', 'lines(0, 200); process.exit(3);', 3, 200],
    [
      'by process.exit some turns later',
      'lines(0, 100); setImmediate(() => { lines(100, 200); process.exit(3); });',
      3,
      200,
    ],
    ['by an error that nobody catches', 'lines(0, 200); throw new Error("end");', 1, 200],
    ['by having nothing left to do', 'lines(0, 200);', 0, 200],
    [
      'after an event loop busy for a second',
      'const end = Date.now() + 1_000; lines(0, 10_000); while (Date.now() < end); lines(10_000, 20_000); process.exit(3);',
      3,
      20_000,
    ],
  ] as const)('%s', (_, story, status, count) => {
    const ended = run(story);
    expect(ended.status).toBe(status);
    expect(numbers(ended.stdout)).toEqual(upTo(count));
    expect(inFile('app.log')).toEqual(upTo(count));
    expect(inFile('oauth.log')).toEqual(upTo(count));
  });
});

test('after close nothing is left for the end of the process', () => {
  const ended = run('lines(0, 50); await log.close(); process.exit(0);');
  expect(numbers(ended.stdout)).toEqual(upTo(50));
  expect(inFile('app.log')).toEqual(upTo(50));
});

test('a reader of standard output that goes away is told of once, and the files go on', () => {
  const ended = run(
    `for (let round = 0; round < 40; round += 1) {
       lines(round * 10, round * 10 + 10);
       await new Promise((resolve) => setTimeout(resolve, 10));
     }
     await log.close();`,
    '"$0" "$@" | head -n 1',
  );
  expect(ended.stdout.split('\n')).toHaveLength(2);
  expect(ended.stderr.match(/Logging to the console fails/g)).toHaveLength(1);
  expect(inFile('app.log')).toEqual(upTo(400));
});

test('a reader of standard output that is slow gets every line whole, and stops nobody meanwhile', () => {
  const ended = run(
    `const turns = setInterval(() => { turned += 1; }, 10);
     let turned = 0;
     lines(0, 2_000);
     await new Promise((resolve) => setTimeout(resolve, 200));
     clearInterval(turns);
     process.stderr.write(String(turned));
     process.exit(3);`,
    '"$0" "$@" | (sleep 0.5; cat)',
  );
  expect(Number(ended.stderr)).toBeGreaterThan(3);
  expect(numbers(ended.stdout)).toEqual(upTo(2_000));
  expect(inFile('app.log')).toEqual(upTo(2_000));
});

test('a reader of standard output that does not read is told of, and holds the end up for a second only', () => {
  const ended = run('lines(0, 5_000); await log.close(); process.exit(3);', '"$0" "$@" | sleep 4');
  expect(ended.stderr).toMatch(/^Logging to the console fails .*its reader does not take the last lines\n$/);
  expect(inFile('app.log')).toEqual(upTo(5_000));
});
