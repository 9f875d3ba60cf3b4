// AsyncLocalStorage: Node, Deno and Bun only. Nothing that an edge runtime loads comes here.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Task } from './task.ts';
import type { TaskContext } from './task-context.ts';

const storage = /* @__PURE__ */ new AsyncLocalStorage<Task>();

/** The task goes with the code that its work starts, over every await. */
export const asyncContext: TaskContext<Task> = {
  run: (task, work) => storage.run(task, work),
  current: () => storage.getStore(),
};
