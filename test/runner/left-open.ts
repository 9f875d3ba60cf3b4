import { setTimeout } from 'node:timers/promises';

const PAUSE_MS = 10;

/**
 * What the process would wait for if it had nothing else to do: servers, sockets, children, threads. Not timers: they end
 * by themselves, and whoever waited for a database may leave one that lasts as long as its patience.
 */
export function opened(): readonly string[] {
  return process.getActiveResourcesInfo().filter((one) => one !== 'Timeout');
}

/** Waits until nothing is open but what was. @throws Error that names what is, when the time is over. */
export async function untilNoMoreIsOpen(than: readonly string[], withinMs = 30_000): Promise<void> {
  let left = more(opened(), than);
  for (const late = Date.now() + withinMs; left.length > 0 && Date.now() < late; ) {
    await setTimeout(PAUSE_MS);
    left = more(opened(), than);
  }
  if (left.length > 0) throw new Error(`the suite has left open: ${left.join(', ')}`);
}

function more(now: readonly string[], before: readonly string[]): readonly string[] {
  const rest = [...before];
  return now.filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
