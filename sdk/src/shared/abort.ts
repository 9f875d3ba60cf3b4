/** A signal that follows others, until it is let go. */
export interface Linked {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Stops following; call it when the work is done, so that long-lived signals do not collect listeners. */
  release(): void;
}

/** Like `AbortSignal.any`, which the first releases of Node 20 lack, and to be aborted by itself too. */
export function link(...signals: readonly (AbortSignal | null | undefined)[]): Linked {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  for (const signal of signals) {
    if (!signal) continue;
    const follow = () => controller.abort(signal.reason);
    if (signal.aborted) follow();
    signal.addEventListener('abort', follow, { once: true });
    releases.push(() => signal.removeEventListener('abort', follow));
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => {
      for (const release of releases) release();
    },
  };
}

/** Waits for shared work without owning it: an abort ends the waiting, not the work. */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A signal that follows both for as long as either lives: of an answer whose body is still to be read. */
export function eitherOf(a: AbortSignal, b: AbortSignal): AbortSignal {
  return typeof AbortSignal.any === 'function' ? AbortSignal.any([a, b]) : link(a, b).signal;
}
