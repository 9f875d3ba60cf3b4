import { endProcess } from './end-process.ts';

/** What the process does when it is told to end. */
export interface Signals {
  /** Calls `end` when it is told so from now on, and at once when it was before; once more when it is told again. */
  lead(end: () => void): void;
}

/**
 * Listens for signals before anything else: process 1 of a container never gets one that nobody listens to, and would
 * run until it is killed. Until somebody leads, the first one waits and a second ends the process.
 */
export function listenForSignals(): Signals {
  let heard = false;
  let hungUp = false;
  let end: (() => void) | undefined;
  const hear = () => {
    if (end) end();
    else if (heard) endProcess(1);
    heard = true;
  };
  const told = () => {
    if (!hungUp) hear();
    hungUp = false;
  };
  process.on('SIGTERM', told);
  process.on('SIGINT', told);
  // The terminal is gone, which goes along with another signal as a rule: together they are told once.
  process.on('SIGHUP', () => {
    if (heard) return;
    hungUp = true;
    hear();
  });
  return {
    lead(to) {
      end = to;
      if (heard) end();
    },
  };
}
