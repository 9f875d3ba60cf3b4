import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { Logger } from '../app/ports.ts';
import type { Config } from '../config/config.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { afterDeath, EARLY_MS } from './restart-policy.ts';

export interface FleetEvents {
  /** Every worker has come up for the first time. */
  readonly up: () => void;
  /** Workers keep dying right after their start. */
  readonly gaveUp: (reason: string) => void;
}

/** The worker processes of one server. */
export interface Fleet {
  /** Drains them all. True when each ended well. */
  stop(): Promise<boolean>;
  /** Ends them at once. */
  kill(): void;
}

/** One of N places. Its number stays the same whoever fills it, and with it the directory of its log files. */
interface Place {
  readonly number: number;
  worker?: Worker;
  /** When the worker began to listen; undefined before. */
  upSince?: number | undefined;
  wasUp: boolean;
  early: number;
  reason?: string | undefined;
  restart?: NodeJS.Timeout;
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const NEVER_RAN: Exit = { code: null, signal: null };

/** Beyond the time that a worker itself takes at most, in milliseconds. */
const STOP_SLACK_MS = 10_000;

/** Starts the workers and replaces those that die. */
export function startFleet(config: Config, log: Logger, events: FleetEvents): Fleet {
  const places: Place[] = Array.from({ length: config.workers }, (_, i) => ({
    number: i + 1,
    wasUp: false,
    early: 0,
  }));
  let stopping = false;
  let whole = true;

  const start = (place: Place): void => {
    let worker: Worker;
    try {
      worker = cluster.fork();
    } catch (error) {
      place.reason = String(error);
      bury(place, NEVER_RAN);
      return;
    }
    place.worker = worker;
    worker.on('message', (message: FromWorker) => hear(place, message));
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) {
        // No process, no room for one or no program: nothing would follow.
        place.reason = String(error);
        worker.emit('exit', NEVER_RAN.code, NEVER_RAN.signal);
        return;
      }
      // A worker that dies while it is told something is no reason to die as well; its exit follows.
      log.warn('worker not reached', { worker: place.number, error: String(error) });
    });
    worker.once('exit', (code, signal) => bury(place, { code, signal }));
  };

  const hear = (place: Place, message: FromWorker): void => {
    if (message.is === 'started')
      tell(place, stopping ? { do: 'stop' } : { do: 'serve', config: configOf(config, place) });
    else if (message.is === 'failed') place.reason = message.reason;
    else {
      place.upSince = performance.now();
      place.reason = undefined;
      log.info('worker listening', { worker: place.number, pid: place.worker?.process.pid });
      const wereUp = places.every(({ wasUp }) => wasUp);
      place.wasUp = true;
      if (!wereUp && places.every(({ wasUp }) => wasUp)) events.up();
    }
  };

  const bury = (place: Place, { code, signal }: Exit): void => {
    const reason = place.reason ?? (signal ? `signal ${signal}` : `exit code ${code}`);
    const facts = { worker: place.number, pid: place.worker?.process.pid, exit_code: code, signal, reason };
    const lived = place.upSince === undefined ? 0 : performance.now() - place.upSince;
    place.early = lived < EARLY_MS ? place.early + 1 : 0;
    delete place.worker;
    place.upSince = undefined;
    if (stopping) {
      whole &&= code === 0;
      log.info('worker ended', facts);
      return;
    }
    const next = afterDeath({
      early: place.early,
      othersWork: places.some(works),
      everUp: places.every(({ wasUp }) => wasUp),
    });
    log.error('worker died', {
      ...facts,
      lived_ms: Math.round(lived),
      replaced_in_ms: next === 'give up' ? null : next,
    });
    if (next === 'give up') events.gaveUp(`worker ${place.number}: ${reason}`);
    else place.restart = setTimeout(() => start(place), next);
  };

  places.forEach(start);
  return {
    async stop() {
      stopping = true;
      for (const place of places) clearTimeout(place.restart);
      const late = setTimeout(() => killAll(places), stopWithinMs(config));
      await Promise.all(places.map(stopOne));
      clearTimeout(late);
      return whole;
    },
    kill() {
      stopping = true;
      killAll(places);
    },
  };
}

function works({ upSince }: Place): boolean {
  return upSince !== undefined && performance.now() - upSince >= EARLY_MS;
}

/** Processes that write and rotate the same file would lose lines. */
function configOf(config: Config, { number }: Place): Config {
  return { ...config, logDir: join(config.logDir, `worker-${number}`) };
}

function stopWithinMs({ drain }: Config): number {
  return (drain.delay + drain.timeout) * 1000 + STOP_SLACK_MS;
}

function tell({ worker }: Place, message: ToWorker): void {
  if (worker?.isConnected()) worker.send(message);
}

function stopOne(place: Place): Promise<void> {
  const { worker } = place;
  if (!worker) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    tell(place, { do: 'stop' });
  });
}

function killAll(places: readonly Place[]): void {
  for (const { worker } of places) worker?.process.kill('SIGKILL');
}
