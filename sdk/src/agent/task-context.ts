/** How a runtime knows which task the code that runs belongs to. */
export interface TaskContext<Task> {
  run<T>(task: Task, work: () => T): T;
  current(): Task | undefined;
}

/** For runtimes without AsyncLocalStorage: tasks are passed explicitly. */
export const noContext = {
  run: <T>(_task: unknown, work: () => T): T => work(),
  current: () => undefined,
};
