import { setTimeout } from 'node:timers/promises';
import type { Contest, Line } from './cases/contest.ts';
import { startLoad } from './load/load.ts';
import type { LoadResult } from './load/messages.ts';
import { cpuOf, cpuOfMachine, cpuOfTree, residentOf } from './process/usage.ts';
import type { Side } from './sides/side.ts';

export interface Pace {
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly repetitions: number;
}

/** One repetition of one line. CPU in microseconds per answered request, memory in megabytes. */
export interface Sample {
  readonly result: LoadResult;
  readonly perSecond: number;
  readonly serverCpu: number;
  readonly databaseCpu: number | undefined;
  readonly residentMost: number;
  readonly residentAfter: number;
  /** Share of one core that the load process used: near 1, it is the limit and not the server. */
  readonly loadBusy: number;
  /** Cores that processes outside the measurement used meanwhile. */
  readonly foreign: number;
}

export interface Measured {
  readonly line: Line;
  readonly samples: readonly Sample[];
}

const SAMPLE_MEMORY_MS = 200;
/** A load process that starts, and a database that settles, should not be part of what is measured. */
const PAUSE_MS = 300;

/** Measures the lines in turn, again and again: whatever disturbs the machine meets them all. */
export async function measure(
  contest: Contest,
  pace: Pace,
  progress: (text: string) => void,
): Promise<Measured[]> {
  const samples = new Map<Line, Sample[]>(contest.lines.map((line) => [line, []]));
  for (let repetition = 1; repetition <= pace.repetitions; repetition += 1) {
    for (const line of contest.lines) {
      // The first time everything is cold.
      const cold = repetition === 1 && pace.repetitions > 1;
      const warmUpSeconds = pace.warmUpSeconds * (cold ? 2 : 1);
      const sample = await measureOnce(line, { ...pace, warmUpSeconds });
      samples.get(line)?.push(sample);
      const { perSecond, result, serverCpu } = sample;
      const failures = result.failed > 0 ? `, ${result.failed} FAILED: ${result.firstFailure}` : '';
      progress(
        `${line.name} [${repetition}/${pace.repetitions}]: ${perSecond.toFixed(0)}/s, ` +
          `p99 ${result.p99.toFixed(1)} ms, ${serverCpu.toFixed(0)} µs CPU${failures}`,
      );
    }
  }
  return [...samples].map(([line, found]) => ({ line, samples: found }));
}

async function measureOnce({ side, workload }: Line, pace: Pace): Promise<Sample> {
  const { connections, seconds, warmUpSeconds } = pace;
  const load = await startLoad(workload);
  try {
    await load.run({ origin: side.origin, connections, seconds: warmUpSeconds });
    await side.settle?.();
    await setTimeout(PAUSE_MS);
    const memory = watchMemory(side);
    const before = usage(side, load.pid);
    const result = await load.run({ origin: side.origin, connections, seconds });
    const after = usage(side, load.pid);
    const resident = memory.stop();
    const spent = (key: 'server' | 'database' | 'load' | 'machine') => after[key] - before[key];
    const answered = Math.max(1, result.answered);
    return {
      result,
      perSecond: result.answered / result.seconds,
      serverCpu: spent('server') / answered,
      databaseCpu: side.databasePid === undefined ? undefined : spent('database') / answered,
      residentMost: resident.most,
      residentAfter: resident.after,
      loadBusy: spent('load') / (result.seconds * 1e6),
      foreign: Math.max(
        0,
        (spent('machine') - spent('server') - spent('database') - spent('load')) / (result.seconds * 1e6),
      ),
    };
  } finally {
    await load.end();
    await side.settle?.();
  }
}

function usage(side: Side, loadPid: number) {
  return {
    server: cpuOf(side.pid),
    database: side.databasePid === undefined ? 0 : cpuOfTree(side.databasePid),
    load: cpuOf(loadPid),
    machine: cpuOfMachine(),
  };
}

function watchMemory({ pid }: Side) {
  let most = residentOf(pid);
  const timer = setInterval(() => {
    most = Math.max(most, residentOf(pid));
  }, SAMPLE_MEMORY_MS);
  return {
    stop() {
      clearInterval(timer);
      const after = residentOf(pid);
      return { most: Math.max(most, after), after };
    },
  };
}
