import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { tendArchives } from '../../src/log/archives.ts';
import { RotatingFile, type RotatingFileOptions } from '../../src/log/rotating-file.ts';

let directory: string;
let now: Date;
let problems: Error[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'taskgrant-log-'));
  now = new Date();
  problems = [];
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(change: Partial<RotatingFileOptions> = {}): RotatingFile {
  return new RotatingFile({
    directory,
    name: 'app',
    maxBytes: 1_000,
    maxDays: 14,
    compress: true,
    now: () => now,
    onProblem: (problem) => problems.push(problem),
    ...change,
  });
}

const day = (date: Date) => date.toISOString().slice(0, 10);
const daysFromNow = (days: number) => new Date(Date.now() + days * 86_400_000);
const files = () => readdirSync(directory).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

/** Every line in the directory, archives first. */
function allLines(): string[] {
  const order = files().filter((file) => file !== 'app.log');
  return [...order, 'app.log'].flatMap((file) => {
    const content = readFileSync(join(directory, file));
    return (file.endsWith('.gz') ? gunzipSync(content) : content).toString().split('\n').slice(0, -1);
  });
}

describe('a rotating file', () => {
  test('rotates by size, compresses, and loses and reorders nothing in a burst', async () => {
    const file = open();
    const lines = Array.from({ length: 2_000 }, (_, n) => `line ${n}`);
    for (const line of lines) file.write(`${line}\n`);
    await file.finish();
    expect(files().filter((name) => name.endsWith('.log.gz')).length).toBeGreaterThan(15);
    expect(files().filter((name) => name.endsWith('.log'))).toEqual(['app.log']);
    expect(statSync(join(directory, 'app.log')).size).toBeLessThanOrEqual(1_000);
    expect(allLines()).toEqual(lines);
    expect(problems).toEqual([]);
  });

  test('keeps the plain files where compression is off', async () => {
    const file = open({ compress: false });
    for (let n = 0; n < 300; n += 1) file.write(`line ${n}\n`);
    await file.finish();
    expect(files()).toContain(`app-${day(now)}.1.log`);
    expect(allLines()).toHaveLength(300);
    for (const name of files()) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(1_000);
  });

  test('gives a line longer than the limit a file of its own', async () => {
    const file = open();
    file.write('short\n');
    file.write(`${'x'.repeat(3_000)}\n`);
    file.write('after\n');
    await file.finish();
    expect(allLines().map((line) => line.length)).toEqual([5, 3_000, 5]);
  });

  test('cuts a chunk of many lines between lines, wherever the limit falls (property)', async () => {
    const lines = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(lines, { maxLength: 5 }), async (chunks) => {
        for (const name of files()) rmSync(join(directory, name));
        const file = open({ maxBytes: 100, compress: false });
        const written = chunks.map((chunk) => chunk.map((length, n) => `${n}é`.padEnd(length, 'x')));
        for (const [n, chunk] of written.entries()) {
          const text = chunk.map((line) => `${line}\n`).join('');
          if (n === written.length - 1) file.writeNow(text);
          else await new Promise((resolve) => file.write(text, resolve));
        }
        await file.finish();
        expect(allLines()).toEqual(written.flat());
        for (const name of files()) {
          const content = readFileSync(join(directory, name));
          if (content.length > 100) expect(content.indexOf('\n')).toBe(content.length - 1);
        }
      }),
      { numRuns: 100 },
    );
    expect(problems).toEqual([]);
  });

  test('writes synchronously, after what is under way, when told that the process ends', async () => {
    const file = open({ maxBytes: 1_000_000 });
    file.write('one\n');
    file.writeNow('two\nthree\n');
    expect(allLines()).toEqual(['one', 'two', 'three']);
    await file.finish();
    expect(allLines()).toEqual(['one', 'two', 'three']);
  });

  test('rotates at midnight, also when nothing is written', async () => {
    const today = day(now);
    const file = open();
    await new Promise((resolve) => file.write('today\n', resolve));
    now = daysFromNow(1);
    file.tick();
    await file.finish();
    expect(files()).toEqual([`app-${today}.1.log.gz`, 'app.log']);
    expect(allLines()).toEqual(['today']);
  });

  test('goes on with the file of an earlier process, and puts aside one of an earlier day', async () => {
    writeFileSync(join(directory, 'app.log'), 'before\n');
    const first = open();
    first.write('after\n');
    await first.finish();
    expect(allLines()).toEqual(['before', 'after']);

    const yesterday = daysFromNow(-1);
    utimesSync(join(directory, 'app.log'), yesterday, yesterday);
    await open().finish();
    expect(files()).toEqual([`app-${day(yesterday)}.1.log.gz`, 'app.log']);
  });

  test('deletes what is older than the days kept, and nothing that is not its own', async () => {
    const old = day(daysFromNow(-15));
    const kept = day(daysFromNow(-14));
    const names = [
      `app-${old}.1.log.gz`,
      `app-${old}.2.log`,
      `app-${kept}.1.log.gz`,
      `other-${old}.1.log`,
      'app-notes.log',
    ];
    for (const name of names) writeFileSync(join(directory, name), '');
    await open().finish();
    expect(files()).toEqual(
      ['app-notes.log', `app-${kept}.1.log.gz`, `other-${old}.1.log`, 'app.log'].sort((a, b) =>
        a.localeCompare(b, 'en', { numeric: true }),
      ),
    );
  });

  test('finishes a compression that an earlier process left half done', async () => {
    writeFileSync(join(directory, `app-${day(now)}.1.log`), 'whole\n');
    writeFileSync(join(directory, `app-${day(now)}.1.log.gz.part`), 'half');
    await open().finish();
    expect(files()).toEqual([`app-${day(now)}.1.log.gz`, 'app.log']);
    expect(allLines()).toEqual(['whole']);
  });

  test('compresses a file that is much larger than what is read of it at once', async () => {
    const file = open({ maxBytes: 2_000_000 });
    const lines = Array.from({ length: 40_000 }, (_, n) => `line ${n} ${'é'.repeat(n % 60)}`);
    for (let n = 0; n < lines.length; n += 1_000) file.write(`${lines.slice(n, n + 1_000).join('\n')}\n`);
    await file.finish();
    expect(files()).toEqual([`app-${day(now)}.1.log.gz`, 'app.log']);
    expect(allLines()).toEqual(lines);
    expect(problems).toEqual([]);
  });

  test.each([
    ['written', (archive: string) => mkdirSync(`${archive}.gz.part`), 'EISDIR'],
    [
      'read',
      (archive: string) => {
        rmSync(archive);
        symlinkSync(directory, archive);
      },
      'EISDIR',
    ],
  ])('keeps a file whose compression cannot be %s, and reports it', async (_, hinder, code) => {
    const file = open({ maxBytes: 1_000_000, compress: false });
    await new Promise((resolve) => file.write('kept\n', resolve));
    now = daysFromNow(1);
    file.tick();
    await file.finish();
    const archive = join(directory, files().find((name) => name !== 'app.log') ?? '');
    hinder(archive);
    await expect(tendArchives(directory, 'app', { maxDays: 14, compress: true, now })).rejects.toMatchObject({
      code,
    });
    expect(existsSync(archive)).toBe(true);
    expect(existsSync(`${archive}.gz`)).toBe(false);
  });

  test('survives that its directory disappears, reports it, and comes back', async () => {
    const file = open({ maxBytes: 10 });
    await new Promise((resolve) => file.write('1234567\n', resolve));
    rmSync(directory, { recursive: true });
    await new Promise((resolve) => file.write('abcdefg\n', resolve));
    await new Promise((resolve) => file.write('hijklmn\n', resolve));
    expect(problems.length).toBeGreaterThan(0);
    expect(existsSync(join(directory, 'app.log'))).toBe(true);
    await file.finish();
    expect(allLines()).toContain('hijklmn');
  });
});

const hasFullDisk = existsSync('/dev/full') ? test : test.skip;

hasFullDisk('a full disk loses lines, not the process', async () => {
  symlinkSync('/dev/full', join(directory, 'app.log'));
  const file = open();
  await new Promise((resolve) => file.write('lost\n', resolve));
  await file.finish();
  expect(problems[0]?.message).toContain('ENOSPC');
});

test('what comes after a line that was torn, by a full disk or a kill, is a line of its own', async () => {
  writeFileSync(join(directory, 'app.log'), 'whole\nto');
  const file = open();
  await new Promise((resolve) => file.write('next\n', resolve));
  file.writeNow('last\n');
  await file.finish();
  expect(allLines()).toEqual(['whole', 'to', 'next', 'last']);
});

test('a file that was removed while it was written is begun anew, and that is told', async () => {
  const file = open({ maxBytes: 1_000_000 });
  await new Promise((resolve) => file.write('gone\n', resolve));
  rmSync(directory, { recursive: true });
  await new Promise((resolve) => file.write('kept\n', resolve));
  file.writeNow('last\n');
  await file.finish();
  expect(allLines()).toEqual(['kept', 'last']);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('was removed')]);
});

test('a file that another program puts aside is begun anew at the next line, and that is told', async () => {
  const file = open({ maxBytes: 1_000_000 });
  await new Promise((resolve) => file.write('before\n', resolve));
  const [path, aside] = [join(directory, 'app.log'), join(directory, 'app.log.1')];
  renameSync(path, aside);
  await new Promise((resolve) => file.write('after\n', resolve));
  expect([aside, path].map((one) => readFileSync(one, 'utf8'))).toEqual(['before\n', 'after\n']);
  renameSync(path, aside);
  writeFileSync(path, 'of that program\n');
  file.writeNow('last\n');
  await file.finish();
  expect([aside, path].map((one) => readFileSync(one, 'utf8'))).toEqual([
    'after\n',
    'of that program\nlast\n',
  ]);
  const told = expect.stringContaining('another program put the file aside');
  expect(problems.map(({ message }) => message)).toEqual([told, told]);
});
