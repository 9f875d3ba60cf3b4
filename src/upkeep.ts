import type { AppContext } from './app/context.ts';
import type { Cleanup } from './app/ports.ts';
import type { Keyring } from './crypto/keyring.ts';

const KEYS_EVERY_MS = 5_000;
const CLEANUP_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Rows of each table in one go: small, so that no request waits for it. */
const BATCH = 500;
/** Batches in one round at most. */
const BATCHES = 20;

export interface UpkeepParts {
  readonly context: Pick<AppContext, 'clock' | 'log'>;
  readonly keyring: Keyring;
  readonly cleanup: Cleanup;
  readonly retention: { readonly auditDays: number; readonly tasksDays: number; readonly tokensDays: number };
  /** Takes over keys that other nodes have made. */
  readonly followKeys: () => Promise<void>;
}

/** What runs beside the requests: following key rotations, removing what has expired. Any number of nodes may do it. */
export function startUpkeep(parts: UpkeepParts): { stop(): Promise<void> } {
  const jobs = [
    repeat(parts, 'keys', KEYS_EVERY_MS, tendKeys),
    repeat(parts, 'cleanup', CLEANUP_EVERY_MS, removeExpired),
  ];
  return {
    async stop() {
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
      .catch((error: unknown) =>
        parts.context.log.error(`upkeep of ${name} failed`, { error: String(error) }),
      )
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

async function tendKeys({ context, keyring, followKeys }: UpkeepParts): Promise<void> {
  await keyring.removeRetired(context.clock.now());
  await followKeys();
}

async function removeExpired({ context, cleanup, retention }: UpkeepParts): Promise<void> {
  const now = context.clock.now();
  const cutoffs = {
    now,
    tokens: now - retention.tokensDays * DAY_MS,
    tasks: now - retention.tasksDays * DAY_MS,
    audit: now - retention.auditDays * DAY_MS,
  };
  for (let i = 0; i < BATCHES; i++) {
    if ((await cleanup.removeExpired(cutoffs, BATCH)) === 0) return;
  }
}
