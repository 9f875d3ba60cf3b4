import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

/** An API of this server let the holder of the token in. */
export function recordAccess(
  context: AppContext,
  caller: Caller,
  { token, task }: ResolvedToken,
): Promise<void> {
  const { clientId, tokenId } = token;
  const { taskId, parentTaskId } = task;
  const userId = task.subjectKind === 'user' ? task.subject : null;
  const fact = { type: 'api_access', clientId, userId, tokenId, taskId, parentTaskId } as const;
  return context.store.commit(unitOf(context, caller, [], fact));
}
