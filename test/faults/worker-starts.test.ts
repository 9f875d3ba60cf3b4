import cluster from 'node:cluster';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Config } from '../../src/config/config.ts';
import { type Fleet, startFleet } from '../../src/workers/fleet.ts';

/** Says what a worker says, and does nothing else. */
const WORKER = `
  process.on('message', (message) => {
    if (message.do === 'serve') process.send({ is: 'listening' });
    else process.exit(0);
  });
  process.send({ is: 'started' });
`;

let home: string;
let fleet: Fleet;
let logged: Record<string, unknown>[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'taskgrant-fleet-'));
  writeFileSync(join(home, 'worker.cjs'), WORKER);
  logged = [];
});
afterEach(async () => {
  await fleet.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Starts two workers in a directory; where it cannot be entered, no process can be started. */
function startIn(cwd: string, up: () => void): void {
  cluster.setupPrimary({ exec: join(home, 'worker.cjs'), args: [], execArgv: [], cwd });
  const write = (message: string, facts = {}) => void logged.push({ message, ...facts });
  const log = { info: write, warn: write, error: write, debug: write };
  const config = { workers: 2, logDir: home, drain: { delay: 0, timeout: 1 } } as Config;
  fleet = startFleet(config, log, { up, gaveUp: () => {} });
}

test('a worker for which no process could be started is tried again', async () => {
  const cwd = join(home, 'not yet there');
  const up = new Promise<void>((resolve) => startIn(cwd, resolve));
  await new Promise((resolve) => setImmediate(resolve));
  mkdirSync(cwd);
  await up;
  const died = logged.filter(({ message }) => message === 'worker died');
  expect(died).toMatchObject([1, 2].map((worker) => ({ worker, reason: expect.stringMatching('ENOENT') })));
});

test('so is one whose start the system refuses at once', async () => {
  const up = new Promise<void>((resolve) => startIn('\0', resolve));
  cluster.setupPrimary({ cwd: home });
  await up;
  expect(logged.filter(({ message }) => message === 'worker died')).toHaveLength(2);
});

test('a fleet whose workers could not be started ends all the same', async () => {
  startIn(join(home, 'never there'), () => {});
  expect(await fleet.stop()).toBe(false);
});
