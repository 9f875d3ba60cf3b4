/**
 * The agent client for runtimes without Node's modules: everything but the loopback redirect and the implicit current
 * task. Pass the task to what needs it.
 */
import type { AgentOptions } from './agent.ts';
import { type Agent, createAgentWith } from './create-agent.ts';
import type { Task } from './task.ts';
import { noContext } from './task-context.ts';

export * from './exports.ts';

/** @throws TaskgrantError `option_invalid` */
export function createAgent(options: AgentOptions): Agent {
  return createAgentWith(noContext, options);
}

/** Always undefined here: without AsyncLocalStorage nobody knows to which task the code that runs belongs. */
export function currentTask(): Task | undefined {
  return undefined;
}
