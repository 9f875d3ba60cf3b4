import { Worker } from 'node:worker_threads';
import type { JWK } from 'jose';
import type { SigningAlgorithm, SigningKey } from './signing-key.ts';

/** Fewer than this at once are signed sooner than they are handed over. */
const WORTH_HANDING_OVER = 3;

/**
 * What crosses to the thread: inputs, and beside each the number of its key. Keys are numbered in the order in which
 * they were first used. Two flat lists are copied faster than one of objects.
 */
export interface SigningBatch {
  readonly newKeys: readonly { readonly jwk: JWK; readonly algorithm: SigningAlgorithm }[];
  readonly keys: readonly number[];
  readonly inputs: readonly string[];
}

/** Signatures in base64url, in the order of the jobs. */
export type SignedBatch = readonly string[];

interface Job {
  readonly key: SigningKey;
  readonly input: string;
  resolve(signature: string): void;
  reject(error: unknown): void;
}

/** Answers the signature of a JWS signing input (RFC 7515 §5.1) in base64url. */
export type Sign = (key: SigningKey, input: string) => Promise<string>;

/**
 * Signs on a thread beside the main one. A signature is 30 µs of work, and waking a thread costs as much: so what is to
 * be signed in one turn of the event loop is handed over together, and a few are signed here by `signHere`. The thread
 * starts when it is first worth it, and keeps no process alive.
 */
export function createSigningThread(signHere: (key: SigningKey, input: string) => string): Sign {
  let waiting: Job[] = [];
  let worker: SigningWorker | undefined;

  function flush(): void {
    const jobs = waiting;
    waiting = [];
    if (jobs.length < WORTH_HANDING_OVER) jobs.forEach(here);
    else (worker ??= start()).sign(jobs);
  }

  function start(): SigningWorker {
    const started = startWorker(() => {
      if (worker === started) worker = undefined;
    });
    return started;
  }

  function here({ key, input, resolve, reject }: Job): void {
    try {
      resolve(signHere(key, input));
    } catch (error) {
      reject(error);
    }
  }

  return (key, input) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, input, resolve, reject }) === 1) setImmediate(flush);
    });
}

interface SigningWorker {
  sign(jobs: readonly Job[]): void;
}

/** `ended` is told before whoever waits: the next batch gets a new thread. */
function startWorker(ended: () => void): SigningWorker {
  const thread = new Worker(new URL('./signing-worker.ts', import.meta.url));
  const numbers = new Map<SigningKey, number>();
  const batches: (readonly Job[])[] = [];
  thread.on('message', (signed: SignedBatch) => {
    const jobs = batches.shift() ?? [];
    for (const [i, { resolve }] of jobs.entries()) resolve(signed[i] as string);
  });
  const fail = (error: unknown) => {
    ended();
    for (const { reject } of batches.splice(0).flat()) reject(error);
  };
  thread.on('error', fail);
  thread.on('exit', () => fail(new Error('the signing thread ended')));
  // Last: a listener would hold the process again.
  thread.unref();
  return {
    sign(jobs) {
      const newKeys: SigningBatch['newKeys'][number][] = [];
      const numberOf = (key: SigningKey): number => {
        const known = numbers.get(key);
        if (known !== undefined) return known;
        newKeys.push({ jwk: key.privateJwk, algorithm: key.algorithm });
        numbers.set(key, numbers.size);
        return numbers.size - 1;
      };
      const keys = jobs.map(({ key }) => numberOf(key));
      const inputs = jobs.map(({ input }) => input);
      batches.push(jobs);
      thread.postMessage({ newKeys, keys, inputs } satisfies SigningBatch);
    },
  };
}
