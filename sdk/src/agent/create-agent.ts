import { type AgentAuthCalls, agentAuthCalls } from './agent-auth-calls.ts';
import { AgentClient, type AgentOptions } from './agent.ts';
import { type RegistrationCalls, registrationCalls } from './registration.ts';
import type { Task } from './task.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskOptions } from './task-options.ts';
import { type TokenCalls, tokenCalls } from './token-calls.ts';

/** An agent: its tasks and tokens, and every call of the source systems under its name. */
export type Agent = AgentClient &
  RegistrationCalls &
  AgentAuthCalls & {
    /** The calls of system A's `token`. */
    readonly token: TokenCalls;
    /** A task that `await using` revokes on leaving, unless it was completed. Below the parent context, if one is set. */
    startTask(options?: TaskOptions): Promise<Task>;
  };

/** @throws TaskgrantError `option_invalid` */
export function createAgentWith(context: TaskContext<Task>, options: AgentOptions): Agent {
  const agent = new AgentClient(options, context);
  const token = tokenCalls(agent);
  const calls = { ...registrationCalls(agent), ...agentAuthCalls(agent), token, startTask: token.startTask };
  return Object.assign(agent, calls);
}
