import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const INTERRUPTED = 130;

/** What was started and has to be ended again, last first. */
export interface Stage {
  /** Runs when the stage is cleared; at once if it already was. */
  onClear(work: () => Promise<void>): void;
  /** A temporary directory that goes with the stage. */
  directory(): Promise<string>;
}

/** Gives work a stage of its own, and clears it when the work is done or has failed. */
export type OnStage = <T>(work: (stage: Stage) => Promise<T>) => Promise<T>;

/** Runs a program that starts other processes; however it ends, so do they. Ctrl-C clears the stages first. */
export async function runOnStages(program: (onStage: OnStage) => Promise<void>): Promise<void> {
  // Every database server that is started listens for the end of this process.
  process.setMaxListeners(64);
  const open = new Set<ClearableStage>();
  let interrupted = false;
  const onStage: OnStage = async (work) => {
    const stage = createStage();
    open.add(stage);
    try {
      return await work(stage);
    } finally {
      await stage.clear();
      open.delete(stage);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      void Promise.all([...open].map((stage) => stage.clear())).then(() => process.exit(INTERRUPTED));
    });
  }
  try {
    await program(onStage);
  } catch (error) {
    // What was interrupted fails because its servers are gone, which is no news.
    if (!interrupted) throw error;
  }
}

interface ClearableStage extends Stage {
  clear(): Promise<void>;
}

function createStage(): ClearableStage {
  const works: (() => Promise<void>)[] = [];
  let clearing: Promise<void> | undefined;
  const finish = (work: () => Promise<void>) =>
    // One that cannot be ended must not keep the others alive.
    work().catch((error: unknown) => console.error(error));
  const clear = async () => {
    for (let work = works.pop(); work; work = works.pop()) await finish(work);
  };
  const onClear = (work: () => Promise<void>) => {
    works.push(work);
    if (clearing) clearing = clearing.then(clear);
  };
  return {
    onClear,
    async directory() {
      const directory = await mkdtemp(join(tmpdir(), 'taskgrant-bench-'));
      onClear(() => rm(directory, { recursive: true, force: true }));
      return directory;
    },
    clear: () => (clearing ??= clear()),
  };
}
