import type { Dependency, Revocation } from '../../domain/revocation.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import type { KnownTask } from './chain.ts';
import type { Ending } from './explanation.ts';

/** What ended a token before its time, and at which task of its chain. */
export async function endingOf(
  { store }: AppContext,
  { task, revocation, dependencies, liveness }: ResolvedToken,
  tasks: readonly KnownTask[],
): Promise<Ending | null> {
  if (!revocation) return liveness === 'task_ended' ? endOfTask(task) : null;
  const { kind, handle } = revocation;
  const rests = dependencies.find((one) => one.kind === kind && one.handle === handle);
  const record = (await store.ledger.entries(revocation)).find((entry) => ends(rests, entry));
  return {
    kind,
    handle,
    taskId: tasks[positionOf(task, revocation, tasks.length)]?.taskId ?? task.taskId,
    at: record?.at ?? null,
    reason: record?.reason ?? null,
    actor: record?.actor ?? null,
  };
}

/** Of an agent or a person the first epoch counts that is higher than the one the task was authorised under (R4). */
function ends(rests: Dependency | undefined, entry: Revocation): boolean {
  const counted = entry.kind === 'agent' || entry.kind === 'user';
  return !counted || entry.epoch > (rests?.epoch ?? -1);
}

/** The task itself says so, though its row in the ledger is gone. */
function endOfTask({ handle, taskId, endedAt, endedReason }: Task): Ending {
  return { kind: 'task', handle, taskId, at: endedAt, reason: endedReason, actor: null };
}

/** Counted from the root; the last one where it is the token's own task, or the token. */
function positionOf({ lineage }: Task, { handle }: Revocation, length: number): number {
  const at = lineage.findIndex(({ task, via, client, grant }) => [task, via, client, grant].includes(handle));
  // What is above may not be known any more.
  return at < 0 ? length - 1 : length - 1 - (lineage.length - at);
}
