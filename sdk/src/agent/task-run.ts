import { waitFor } from '../shared/abort.ts';
import type { TaskContext } from './task-context.ts';

/** What running the work of a task takes of it. */
interface Endable {
  readonly signal: AbortSignal;
  readonly ended: boolean;
  complete(): Promise<unknown>;
  fail(reason: string, options: { readonly signal: AbortSignal }): Promise<unknown>;
  revoke(reason: string, options: { readonly signal: AbortSignal }): Promise<unknown>;
  abandon(): void;
}

/**
 * Runs the work of a task within its context: completes the task when the work returns, fails it when the work throws,
 * revokes it when its signal is aborted, even while the work goes on. What the work throws goes on to the caller.
 * @throws TaskgrantError when the task turns out to have been ended by somebody else meanwhile.
 */
export async function runTask<Task extends Endable, T>(
  task: Task,
  work: (task: Task) => Promise<T> | T,
  context: TaskContext<Task>,
): Promise<T> {
  // Async, so that what the work throws at once is a rejection too.
  const working = context.run(task, async () => work(task));
  let result: T;
  try {
    // Ended by the work itself: that is no interruption.
    result = await waitFor(working, task.signal).catch((error: unknown) => {
      if (task.ended) return working;
      throw error;
    });
  } catch (error) {
    await giveUp(task, error);
    throw error;
  }
  if (!task.ended) await task.complete();
  return result;
}

/** Milliseconds that telling the server may delay the error of the work. */
const PATIENCE = 15_000;

/** What is told goes to an audit trail that others read: the kind of the error, never its words. */
async function giveUp(task: Endable, error: unknown): Promise<void> {
  if (task.ended) return;
  const kind = error instanceof Error ? error.name.slice(0, 100) : 'error';
  const options = { signal: AbortSignal.timeout(PATIENCE) };
  try {
    await (task.signal.aborted ? task.revoke('aborted', options) : task.fail(kind, options));
  } catch {
    // The error of the work is what the caller must hear of; the task ends by itself when its time is up.
  } finally {
    task.abandon();
  }
}
