import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Logger } from '../../src/app/ports.ts';
import { createLoggers, type Loggers, type LogSettings } from '../../src/log/loggers.ts';
import { sizeInBytes } from '../../src/log/open-files.ts';

let logDir: string;
let told: string[];
let loggers: Loggers | undefined;

beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), 'taskgrant-log-'));
  told = [];
});

afterEach(async () => {
  await loggers?.close();
  rmSync(logDir, { recursive: true, force: true });
});

function create(change: Partial<LogSettings> = {}): Loggers {
  loggers = createLoggers({
    logDir,
    level: 'info',
    rotation: { maxSize: '20m', maxDays: 14, compress: true },
    console: 'silent',
    onProblem: (text) => told.push(text),
    ...change,
  });
  return loggers;
}

function read(file: string): Record<string, unknown>[] {
  const lines = readFileSync(join(logDir, file), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const messages = (file: string) => read(file).map((line) => line['message']);

describe('the loggers', () => {
  test('write each subject to its file, everything to app.log and errors to error.log', async () => {
    const { app, oauth, agentActions, security, close } = create();
    app.info('one', { request_id: 'r-1' });
    oauth.warn('two');
    agentActions.error('three');
    security.info('four');
    app.debug('too unimportant');
    await close();
    expect(messages('app.log')).toEqual(['one', 'two', 'three', 'four']);
    expect(messages('error.log')).toEqual(['three']);
    expect(messages('oauth.log')).toEqual(['two']);
    expect(messages('agent_actions.log')).toEqual(['three']);
    expect(messages('security.log')).toEqual(['four']);
    expect(read('app.log')[0]).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'info',
      logger: 'app',
      message: 'one',
      request_id: 'r-1',
    });
  });

  test('make the five files at once, so that they can be followed', () => {
    create();
    expect(readdirSync(logDir)).toEqual([
      'agent_actions.log',
      'app.log',
      'error.log',
      'oauth.log',
      'security.log',
    ]);
  });

  test('redact everything that reaches any file', async () => {
    const { oauth, close } = create();
    const secret = 'S3cr3tS3cr3tS3cr3t';
    oauth.error(`refused Bearer ${secret}`, {
      code_verifier: secret,
      parent_token: secret,
      subject_token: secret,
      client_assertion: secret,
      headers: { cookie: `sid=${secret}`, authorization: `Basic ${secret}` },
      url: `/api/oauth/authorize?code=${secret}&code_challenge=visible`,
      error: new Error(`at ?token=${secret}`),
    });
    await close();
    for (const file of ['app.log', 'error.log', 'oauth.log']) {
      const content = readFileSync(join(logDir, file), 'utf8');
      expect(content).not.toContain(secret);
      expect(content).toContain('code_challenge=visible');
    }
  });

  test('do not let a value begin a line', async () => {
    const { app, close } = create();
    app.info('a\n{"level":"error","message":"forged"}', { agent: 'x\r\ny\u2028z' });
    await close();
    expect(read('app.log')).toHaveLength(1);
  });

  test('rotate by the configured size and lose no line', async () => {
    const { app, close } = create({ rotation: { maxSize: '1k', maxDays: 14, compress: true } });
    for (let n = 0; n < 200; n += 1) app.info(`line ${n}`);
    await close();
    expect(
      readdirSync(logDir).filter((file) => /^app-\d{4}-\d\d-\d\d\.\d+\.log\.gz$/.test(file)).length,
    ).toBeGreaterThan(5);
    expect(messages('app.log').at(-1)).toBe('line 199');
  });

  test('keep up with a burst larger than the buffers of a stream', async () => {
    const { app, close } = create();
    for (let n = 0; n < 20_000; n += 1) app.info('burst', { n });
    await close();
    expect(read('app.log').map((line) => line['n'])).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
  });

  test('satisfy the port of the use cases, detached methods included', async () => {
    const port: Logger = create().security;
    const { info } = port;
    info('detached');
    await loggers?.close();
    expect(messages('security.log')).toEqual(['detached']);
  });
});

describe('trouble with logging', () => {
  test('a directory that cannot be made is a clear error at start', () => {
    writeFileSync(join(logDir, 'file'), '');
    expect(() => create({ logDir: join(logDir, 'file/logs') })).toThrow(
      /The log directory .*\(LOG_DIR\) cannot be written: E/,
    );
  });

  test('a log file that cannot be opened is a clear error at start', () => {
    symlinkSync(logDir, join(logDir, 'oauth.log'));
    expect(() => create()).toThrow(/cannot be written: EISDIR/);
  });

  test('a full disk is reported once and nothing is thrown', async () => {
    symlinkSync('/dev/full', join(logDir, 'security.log'));
    const { security, app, close } = create();
    for (let n = 0; n < 50; n += 1) {
      security.info('lost');
      await new Promise((resolve) => setImmediate(resolve));
    }
    app.info('kept');
    await close();
    expect(told).toEqual([expect.stringMatching(/^Logging to security\.log fails .*ENOSPC/)]);
    expect(messages('app.log')).toContain('kept');
  });

  test('fields that cannot be read do not throw', async () => {
    const { app, close } = create();
    app.info(
      'odd',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no');
          },
        },
      ),
    );
    app.info('next');
    await close();
    expect(messages('app.log')).toContain('next');
  });

  test('a line after the end is dropped, and closing twice is harmless', async () => {
    const { app, close } = create();
    await close();
    await close();
    app.info('late');
    expect(read('app.log')).toEqual([]);
    expect(told).toEqual([]);
  });
});

test('sizes are written with k, m or g', () => {
  expect(['1k', '20m', '1G'].map(sizeInBytes)).toEqual([1_024, 20_971_520, 1_073_741_824]);
  expect(() => sizeInBytes('20')).toThrow(RangeError);
});
