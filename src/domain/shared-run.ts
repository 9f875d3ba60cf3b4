/**
 * Makes calls share runs of `run`, one at a time: a call is answered by a run that began after it, so nothing it
 * learns is older than its question, and any number of calls cost two runs at most.
 * @returns a function that rejects as `run` does.
 */
export function sharedRun(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const begin = (): Promise<void> => {
    const mine = run().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };

  return () => {
    if (running === undefined) return begin();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}
