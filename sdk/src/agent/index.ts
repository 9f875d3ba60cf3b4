/** The agent client, on Node, Deno and Bun. Other runtimes are given `edge.ts` by the package's conditions. */
import type { AgentOptions } from './agent.ts';
import { asyncContext } from './async-context.ts';
import { type Agent, createAgentWith } from './create-agent.ts';
import type { Task } from './task.ts';

export * from './exports.ts';
export { authorizeWithLoopback, type LoopbackOptions } from './loopback.ts';

/**
 * An agent of one server.
 * @throws TaskgrantError `option_invalid`
 */
export function createAgent(options: AgentOptions): Agent {
  return createAgentWith(asyncContext, options);
}

/** The task whose work is running: the innermost `task`, `child`, `accept` or `run` around this call. */
export function currentTask(): Task | undefined {
  return asyncContext.current();
}
