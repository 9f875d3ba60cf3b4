/** What the process does when it is told to end. */
export interface Signals {
  /** Calls `end` at each signal from now on, and at once for one that came before. */
  lead(end: () => void): void;
}

/**
 * Listens for SIGTERM and SIGINT before anything else: process 1 of a container never gets a signal that nobody listens
 * to, and would run until it is killed. Until somebody leads, a first signal waits and a second ends the process.
 */
export function listenForSignals(): Signals {
  let heard = false;
  let end: (() => void) | undefined;
  const hear = () => {
    if (end) end();
    else if (heard) process.exit(1);
    heard = true;
  };
  process.on('SIGTERM', hear);
  process.on('SIGINT', hear);
  return {
    lead(to) {
      end = to;
      if (heard) end();
    },
  };
}
