import { setTimeout } from 'node:timers/promises';

const PAUSE_MS = 10;

/** What the process would wait for if it had nothing else to do: servers, sockets, children, threads, timers. */
export function opened(): readonly string[] {
  const all = process.getActiveResourcesInfo();
  // The process that runs suites by itself has timers of Jest, which come and go.
  return process.connected ? all : all.filter((one) => one !== 'Timeout');
}

/** Waits until nothing is open but what was. @throws Error that names what is, when the time is over. */
export async function untilNoMoreIsOpen(than: readonly string[], withinMs = 5000): Promise<void> {
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
