import type { Knex } from 'knex';
import type { Logger } from '../../../app/ports.ts';
import { type OtherWriter, otherWriterOf } from '../../sql/other-writer.ts';
import type { FlatBatch } from './flat-batch.ts';
import { type CommitPlace, type RunningThread, runThread } from './running-thread.ts';

/**
 * So many batches in which several requests waited for one another. Starting a thread takes 100 ms of a processor, which
 * a server has no time for while it warms up, and 27 MB, which an idle one and a command of the CLI never need.
 */
const WORTH_A_THREAD = 100;
/** One that cannot start is not started for every batch. */
const RESTART_AFTER_MS = 1_000;

const SCRIPT = new URL('./commit-worker.ts', import.meta.url);

export interface CommitThreadOptions extends CommitPlace {
  /** How long a batch may take before the thread is ended and started again, in milliseconds. */
  readonly patienceMs: number;
  readonly logger?: Pick<Logger, 'warn'> | undefined;
  /** Another program for the thread. */
  readonly script?: URL | undefined;
}

/**
 * Commits plain batches to the embedded database on a thread with a connection of its own: the main one would stand
 * still meanwhile, for as long as all that the requests of the batch took before. While the thread starts, and after it
 * has ended, their batches are committed as all others are; it is started again by itself.
 */
export interface CommitThread extends OtherWriter {
  /** Whether it runs and takes batches. */
  readonly isReady: boolean;
  /** The same, asked before each batch, of how many units it is. Starts it once that is worth it. */
  takes(units: number): boolean;
  /** How many deliveries were recorded; undefined when nothing was written. @throws what the database fails with. */
  commit(batch: FlatBatch): Promise<number | undefined>;
  /** Lets what is under way end, and then the thread. */
  close(): Promise<void>;
}

export function createCommitThread(options: CommitThreadOptions): CommitThread {
  const { file, files, busyTimeoutMs, patienceMs, logger, script = SCRIPT } = options;
  let running: RunningThread | undefined;
  let isReady = false;
  let shared = 0;
  let notBefore = 0;
  let closed = false;
  let writing: Promise<void> | undefined;

  function ended(why: Error): void {
    running = undefined;
    isReady = false;
    notBefore = performance.now() + RESTART_AFTER_MS;
    if (!closed) logger?.warn('the thread that commits has ended', { error: why.message });
  }

  function start(): void {
    const ready = () => {
      isReady = true;
    };
    try {
      running = runThread({ file, files, busyTimeoutMs, patienceMs, script, ready, ended });
    } catch (error) {
      // The system may allow no more threads.
      ended(error as Error);
    }
  }

  return {
    get isReady() {
      return isReady;
    },
    takes(units) {
      if (units > 1) shared += 1;
      if (!running && !closed && shared >= WORTH_A_THREAD && performance.now() >= notBefore) start();
      return isReady;
    },
    async commit(batch) {
      const answer = running?.commit(batch);
      const settled = Promise.allSettled([answer]).then(() => {
        if (writing === settled) writing = undefined;
      });
      writing = settled;
      return (await answer) ?? undefined;
    },
    get writing() {
      return writing;
    },
    async close() {
      closed = true;
      await writing;
      await running?.end();
    },
  };
}

/** Undefined for PostgreSQL, for a database in memory and for a connection that serves no requests. */
export function commitThreadOf(db: Knex): CommitThread | undefined {
  return otherWriterOf(db) as CommitThread | undefined;
}
