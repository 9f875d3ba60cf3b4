import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startLoad } from '../load/load.ts';
import type { LoadResult } from '../load/messages.ts';
import { cpuOf } from '../process/usage.ts';
import type { Stage } from '../process/stage.ts';
import type { DatabaseKind } from '../sides/side.ts';
import { startTaskgrant } from '../sides/taskgrant.ts';
import { WORKLOADS, type WorkloadName } from '../sides/taskgrant-workloads.ts';
import { RECORD_SIGNAL, RECORD_TO, RECORDING_SUFFIX, type Recording } from './recording.ts';

const WRITTEN_WITHIN_MS = 60_000;

export interface ProfileOrder {
  readonly workload: WorkloadName;
  readonly database: DatabaseKind;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export interface Profiled {
  readonly order: ProfileOrder;
  readonly result: LoadResult;
  /** CPU time per answer while being recorded, in microseconds. */
  readonly cpu: number;
  /** The main thread first, then its workers. */
  readonly recordings: readonly Recording[];
}

/** Runs Taskgrant under a load and records where its time goes. Recording costs time: rates are not comparable. */
export async function profile(stage: Stage, order: ProfileOrder): Promise<Profiled> {
  const directory = await stage.directory();
  const { database, connections, seconds, warmUpSeconds } = order;
  const side = await startTaskgrant(stage, {
    database,
    env: { [RECORD_TO]: directory },
    nodeArgs: ['--import', join(import.meta.dirname, 'recorder.ts')],
  });
  const load = await startLoad(await WORKLOADS[order.workload](side));
  stage.onClear(() => load.end());
  await load.run({ origin: side.origin, connections, seconds: warmUpSeconds });
  process.kill(side.pid, RECORD_SIGNAL);
  const before = cpuOf(side.pid);
  const result = await load.run({ origin: side.origin, connections, seconds });
  const cpu = (cpuOf(side.pid) - before) / Math.max(1, result.answered);
  process.kill(side.pid, RECORD_SIGNAL);
  return { order, result, cpu, recordings: await recordingsIn(directory) };
}

async function recordingsIn(directory: string): Promise<Recording[]> {
  const until = Date.now() + WRITTEN_WITHIN_MS;
  while (Date.now() < until) {
    await setTimeout(500);
    const files = readdirSync(directory);
    const whole = files.filter((file) => file.endsWith(RECORDING_SUFFIX));
    if (whole.length === 0 || whole.length < files.length) continue;
    return whole
      .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Recording)
      .toSorted((a, b) => Number(b.thread === 'main') - Number(a.thread === 'main'));
  }
  throw new Error('the profiled process wrote no recording');
}
