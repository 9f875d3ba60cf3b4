import type { Task } from '../../domain/task.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { OpenedBy } from '../ports/api-keys.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { Change } from '../unit-of-work.ts';

export interface EndedTasks {
  readonly tasks: number;
  /** Their tokens that still worked. */
  readonly tokens: number;
}

/** Tasks that are ended in one unit of work. */
const AT_ONCE = 50;

/**
 * Revokes every task that a key, or any key of an agent, has opened, and with each whatever was derived from it.
 * Asked again after a failure it goes on where it stopped.
 */
export async function endOpenedTasks(
  context: AppContext,
  { caller, of, reason }: { readonly caller: Caller; readonly of: OpenedBy; readonly reason: string },
): Promise<EndedTasks> {
  const { store, clock } = context;
  // By a token that one of them is of, too: with the first ones it ends itself.
  const ending = { ...caller, standsOn: [] };
  const ended = { tasks: 0, tokens: 0 };
  for (;;) {
    const opened = await store.apiKeys.openTasks(of, clock.now(), AT_ONCE);
    const tasks = await store.tasks.byHandles(opened.map(({ handle }) => handle));
    const [first, ...others] = tasks.map((task) => revokedFact(task, reason));
    if (!first) return ended;
    const changes = tasks.flatMap((task) => endingOf(context, ending, { task, reason }));
    await store.commit(unitOf(context, ending, changes, first, ...others));
    ended.tasks += tasks.length;
    ended.tokens += opened.reduce((sum, { tokens }) => sum + tokens, 0);
    if (opened.length < AT_ONCE) return ended;
  }
}

function endingOf(
  context: AppContext,
  caller: Caller,
  { task, reason }: { readonly task: Task; readonly reason: string },
): Change[] {
  const { handle, expiresAt } = task;
  const entry = revocationOf(context, caller, { kind: 'task', handle, reason, expiresAt });
  return [
    // What ended by itself meanwhile is as good as revoked.
    { do: 'end_task', handle, state: 'revoked', reason, at: context.clock.now(), miss: null },
    { do: 'revoke', entry },
  ];
}

function revokedFact(task: Task, reason: string): Fact {
  const { clientId, taskId, parentTaskId } = task;
  return { type: 'task_revoked', clientId, taskId, parentTaskId, reason };
}
