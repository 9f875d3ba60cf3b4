import { currentTask } from '@taskgrant/sdk/agent';
import { covers } from '@taskgrant/sdk/permissions';

/** What a tool needs of the task that calls it. */
export interface ToolNeeds {
  /** Rights that the tool works with: never more than these, however much the task holds. */
  readonly scope: string;
  /** The tool's name, when the task must have been granted it (`tools` of the task). */
  readonly tool?: string;
}

/** A tool was called where it must not be. Its message may be shown to the model. */
export class ToolRefused extends Error {
  override readonly name = 'ToolRefused';
}

/** The methods by which the usual libraries call tools: `execute` (Vercel AI), the others (LangChain). */
const CALLS = ['execute', 'invoke', 'call', 'func'] as const;
type Call = (...values: unknown[]) => unknown;

/**
 * The same tool, whose calls each run under a child of the current task that holds the tool's scope and nothing else.
 * Inside, `agent.fetch` and `currentTask()` use that child by themselves; it ends with the call.
 * @throws ToolRefused (from the call) outside of a task, and in a task that may not use the tool
 */
export function protectTool<T extends object>(tool: T, needs: ToolNeeds): T {
  const given = tool as Readonly<Record<string, unknown>>;
  const calls = CALLS.filter((name) => typeof given[name] === 'function');
  if (calls.length === 0) throw new TypeError(`a tool has one of the methods ${CALLS.join(', ')}`);
  const protectedCalls = calls.map((name) => {
    const call: Call = (...values) => underTask(needs, () => (given[name] as Call).apply(tool, values));
    return [name, call] as const;
  });
  const prototype: object | null = Object.getPrototypeOf(tool) as object | null;
  return Object.assign(Object.create(prototype) as T, tool, Object.fromEntries(protectedCalls));
}

async function underTask(needs: ToolNeeds, work: () => unknown): Promise<unknown> {
  const { scope, tool } = needs;
  const task = currentTask();
  if (!task || task.ended) throw new ToolRefused('this tool works for a task only, and there is none');
  if (!covers(task.scope, scope.split(' '))) throw new ToolRefused(`the task may not ${scope}`);
  if (tool !== undefined && !covers(task.tools, [tool]))
    throw new ToolRefused(`the task may not use ${tool}`);
  const terms = { scope, description: `Call ${tool ?? 'a tool'}`, tools: tool === undefined ? [] : [tool] };
  return task.child(terms, () => work());
}
