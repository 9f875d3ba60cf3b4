import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadOrder, LoadResult, ToLoad, Workload } from './messages.ts';

/** How much longer than ordered a load may take before it is given up, in milliseconds. */
const PATIENCE_MS = 30_000;

/** A load process that repeats one workload. */
export interface Load {
  readonly pid: number;
  run(order: LoadOrder): Promise<LoadResult>;
  end(): Promise<void>;
}

export async function startLoad(workload: Workload): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'generator.ts'), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the load process did not start');
  await send(child, { workload });
  return {
    pid,
    async run(order) {
      await send(child, { order });
      return answer(child, order.seconds * 1000 + PATIENCE_MS);
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function send(child: ChildProcess, message: ToLoad): Promise<void> {
  return new Promise((resolve, reject) => {
    child.send(message, (error) => (error ? reject(error) : resolve()));
  });
}

/** @throws Error when the process ends or takes too long. */
function answer(child: ChildProcess, patience: number): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => settle(() => reject(new Error('the load process does not answer'))),
      patience,
    );
    const onExit = () => settle(() => reject(new Error('the load process ended early')));
    const onMessage = (result: unknown) => settle(() => resolve(result as LoadResult));
    child.once('exit', onExit);
    child.once('message', onMessage);
    function settle(then: () => void): void {
      clearTimeout(late);
      child.off('exit', onExit);
      child.off('message', onMessage);
      then();
    }
  });
}
