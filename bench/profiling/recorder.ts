import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import { type CpuProfile, RECORD_SIGNAL, RECORD_TO, RECORDING_SUFFIX, type Recording } from './recording.ts';
import { startStatementClock } from './statement-clock.ts';

/**
 * Loaded into the profiled process before the product (`node --import`), and into each of its worker threads: records
 * what happens between two signals. The product knows nothing of it.
 */
const INTERVAL_MICROSECONDS = 200;
const directory = process.env[RECORD_TO];
if (directory !== undefined) listen(directory);

function listen(target: string): void {
  const clock = startStatementClock();
  let recording: (() => Promise<Recording>) | undefined;
  const toggle = async () => {
    const stop = recording;
    if (stop) {
      recording = undefined;
      write(target, await stop());
    } else {
      recording = await start(clock);
    }
  };
  const channel = new BroadcastChannel('taskgrant-bench-recorder');
  channel.unref();
  if (isMainThread) {
    process.on(RECORD_SIGNAL, () => {
      channel.postMessage('toggle');
      void toggle();
    });
  } else {
    channel.onmessage = () => void toggle();
  }
}

async function start(clock: ReturnType<typeof startStatementClock>): Promise<() => Promise<Recording>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROSECONDS });
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  clock.clear();
  const begun = performance.now();
  const loop = performance.eventLoopUtilization();
  await session.post('Profiler.start');
  return async () => {
    const statements = clock.records();
    const { profile } = (await session.post('Profiler.stop')) as unknown as { profile: CpuProfile };
    session.disconnect();
    observer.disconnect();
    delay.disable();
    return {
      thread: isMainThread ? 'main' : 'worker',
      seconds: (performance.now() - begun) / 1000,
      statements,
      garbage: {
        count: pauses.length,
        total: pauses.reduce((sum, pause) => sum + pause, 0),
        longest: Math.max(0, ...pauses),
      },
      loopBusy: performance.eventLoopUtilization(loop).utilization,
      loopDelayP99: delay.percentile(99) / 1e6,
      profile,
    };
  };
}

/** Under its name only once it is whole. */
function write(target: string, recording: Recording): void {
  const file = join(target, `thread-${threadId}`);
  writeFileSync(file, JSON.stringify(recording));
  renameSync(file, `${file}${RECORDING_SUFFIX}`);
}
