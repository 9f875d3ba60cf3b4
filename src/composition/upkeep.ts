import type { AppContext } from '../app/context.ts';
import type { Cleanup } from '../app/ports/cleanup.ts';
import { reportFailure } from '../app/audit/report-failure.ts';
import { CLOCKS_DIFFER_MS, type Retention, removeExpired } from '../app/remove-expired.ts';
import { STEADY_MS } from '../app/steady-clock.ts';
import type { Keyring } from '../crypto/keyring.ts';

const KEYS_EVERY_MS = 5_000;
const CLEANUP_EVERY_MS = 60_000;

export interface UpkeepParts {
  readonly context: Pick<AppContext, 'clock' | 'log'>;
  readonly keyring: Keyring;
  readonly cleanup: Cleanup;
  readonly retention: Retention;
  /** For how many milliseconds the clock has been steady. */
  readonly steadyFor: () => number;
  /** Takes over keys that other nodes have made. */
  readonly followKeys: () => Promise<void>;
}

/** What runs beside the requests: following key rotations, removing what has expired. Any number of nodes may do it. */
export function startUpkeep(parts: UpkeepParts): { stop(): Promise<void> } {
  const ending = new AbortController();
  const { clock } = parts.context;
  const jobs = [
    repeat(parts, 'keys', KEYS_EVERY_MS, tendKeys),
    repeat(parts, 'cleanup', CLEANUP_EVERY_MS, async ({ cleanup, retention }) => {
      if (parts.steadyFor() < STEADY_MS) return;
      const ahead = await aheadMs(parts);
      if (ahead > CLOCKS_DIFFER_MS) throw new Error(`the clock is ${ahead} ms ahead of the database's`);
      await removeExpired({ clock, cleanup, retention, signal: ending.signal });
    }),
  ];
  return {
    async stop() {
      ending.abort();
      await Promise.all(jobs.map((stop) => stop()));
    },
  };
}

type Job = (parts: UpkeepParts) => Promise<void>;

/** One run at a time; a failing one is reported and tried again at its next turn. */
function repeat(parts: UpkeepParts, name: string, everyMs: number, job: Job): () => Promise<void> {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= job(parts)
      .catch((error: unknown) => reportFailure(parts.context.log, `upkeep of ${name} failed`, error))
      .finally(() => {
        running = undefined;
      });
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function tendKeys(parts: UpkeepParts): Promise<void> {
  const { context, keyring, steadyFor, followKeys } = parts;
  const past = context.clock.now() - CLOCKS_DIFFER_MS;
  const isRight = steadyFor() >= STEADY_MS && (await aheadMs(parts)) <= CLOCKS_DIFFER_MS;
  if (isRight) await keyring.removeRetired(past);
  await followKeys();
}

/** How far this node's clock is ahead of the one that all nodes see. */
async function aheadMs({ context, cleanup }: UpkeepParts): Promise<number> {
  const common = await cleanup.commonTime();
  return common === undefined ? 0 : context.clock.now() - common;
}
