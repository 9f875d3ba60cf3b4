import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What was started and has to be ended again, last first. */
export interface Stage {
  /** Runs when the stage is cleared. */
  onClear(work: () => Promise<void>): void;
  /** A temporary directory that goes with the stage. */
  directory(): Promise<string>;
  clear(): Promise<void>;
}

// Every database server that is started listens for the end of this process.
process.setMaxListeners(64);

export function createStage(): Stage {
  const works: (() => Promise<void>)[] = [];
  return {
    onClear: (work) => void works.push(work),
    async directory() {
      const directory = await mkdtemp(join(tmpdir(), 'taskgrant-bench-'));
      works.push(() => rm(directory, { recursive: true, force: true }));
      return directory;
    },
    async clear() {
      for (let work = works.pop(); work; work = works.pop()) {
        // One that cannot be ended must not keep the others alive.
        await work().catch((error: unknown) => console.error(error));
      }
    },
  };
}
