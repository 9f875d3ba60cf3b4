import type { Logger } from '../../app/ports.ts';

/** After the first time it is told again after this many times as long. */
const SELDOM = 12;

/**
 * Does what may take as long as it needs. Where it takes longer than `afterMs` the log says what it is doing, so that
 * nobody wonders at a start that says nothing; and again from time to time.
 * @param work is given what to call with what it does next.
 */
export async function tellingWaits<T>(
  { place, logger, afterMs }: { place?: string; logger?: Pick<Logger, 'error'> | undefined; afterMs: number },
  work: (doing: (what: string) => void) => Promise<T>,
): Promise<T> {
  let waitingFor = 'an answer';
  let times = 0;
  const timer = setInterval(() => {
    if (times++ % SELDOM !== 0) return;
    const facts = { waiting_for: waitingFor, seconds: Math.round((times * afterMs) / 1000) };
    logger?.error('the start waits for the database', { database: place, ...facts });
  }, afterMs);
  try {
    return await work((what) => {
      waitingFor = what;
    });
  } finally {
    clearInterval(timer);
  }
}
