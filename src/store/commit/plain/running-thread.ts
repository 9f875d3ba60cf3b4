import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../../domain/unavailable.ts';
import { Patience, type Wait } from '../../waiting/patience.ts';
import type { KnownFiles } from '../../connection/same-files.ts';
import type { FlatBatch } from './flat-batch.ts';

/** Where the thread finds the database, and how long it may wait for another's lock, in milliseconds. */
export interface CommitPlace {
  readonly file: string;
  /** What it and its log were when the server opened them. */
  readonly files: KnownFiles;
  readonly busyTimeoutMs: number;
}

/**
 * What the thread answers: first that it is ready, then to each batch how many deliveries were recorded, null when the
 * batch does not hold, or how the database failed.
 */
export type CommitAnswer = 'ready' | number | null | { readonly code: string; readonly message: string };

export interface ThreadOptions extends CommitPlace {
  /** How long a batch may take before the thread is ended, in milliseconds. */
  readonly patienceMs: number;
  readonly script: URL;
  ready(): void;
  /** Is told once the thread has gone, before whoever waits for it. */
  ended(why: Error): void;
}

/** One run of the thread that commits. */
export interface RunningThread {
  /** The deliveries that were recorded; null when the batch does not hold. @throws UnavailableError when the thread ends. */
  commit(batch: FlatBatch): Promise<number | null>;
  /** Ends it when nothing is under way; resolves when it has gone. */
  end(): Promise<void>;
}

interface Waiting {
  /** How long it may take. */
  wait: Wait<Waiting> | undefined;
  resolve(deliveries: number | null): void;
  reject(error: Error): void;
}

/**
 * INVARIANT: whoever waits for a thread that ends is told when it has gone, and its connection with it. What it had
 * committed can be read then, and nothing more will be.
 */
export function runThread(options: ThreadOptions): RunningThread {
  const { file, files, busyTimeoutMs, patienceMs, script } = options;
  const thread = new Worker(script, { workerData: { file, files, busyTimeoutMs } satisfies CommitPlace });
  const batches: Waiting[] = [];
  const patience = new Patience<Waiting>(patienceMs, () => {
    why = new Error(`a commit took more than ${patienceMs} milliseconds`);
    void thread.terminate();
  });
  let why = new Error('it was ended');

  function answered(): Waiting | undefined {
    const batch = batches.shift();
    batch?.wait?.leave();
    if (batches.length === 0) thread.unref();
    return batch;
  }

  thread.on('message', (answer: CommitAnswer) => {
    if (answer === 'ready') return options.ready();
    const batch = answered();
    if (answer === null || typeof answer === 'number') batch?.resolve(answer);
    else batch?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  });
  thread.on('error', (error: Error) => {
    why = error;
  });
  thread.on('exit', () => {
    options.ended(why);
    const cause = new UnavailableError('database_unavailable', 'the thread that commits has ended', {
      cause: why,
    });
    while (batches.length > 0) answered()?.reject(cause);
  });
  // Last: a listener would hold the process again.
  thread.unref();
  return {
    commit: (batch) =>
      new Promise((resolve, reject) => {
        const waiting: Waiting = { resolve, reject, wait: undefined };
        // A process does not end while a commit is under way.
        if (batches.push(waiting) === 1) thread.ref();
        waiting.wait = patience.begin(waiting);
        thread.postMessage(batch);
      }),
    async end() {
      await thread.terminate();
    },
  };
}
