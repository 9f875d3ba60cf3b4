import { DomainError } from '../../domain/errors.ts';
import type { Caller, Fact } from '../audit/audit-trail.ts';
import { unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

/** What a caller says about the task it works for, besides its token. */
export interface StatedContext {
  readonly taskId: string;
  readonly parentTaskId?: string | undefined;
  readonly parentTokenId?: string | undefined;
}

/**
 * Compares what a caller says with what its token says, and records the access.
 * @throws DomainError `forbidden` naming the first member that does not match; the caller records that.
 */
export async function checkTaskContext(
  context: AppContext,
  caller: Caller,
  { token, task }: ResolvedToken,
  stated: StatedContext,
): Promise<void> {
  if (stated.taskId !== task.taskId) throw mismatch('X-Task-ID', 'the task of the token');
  if (stated.parentTaskId !== undefined && stated.parentTaskId !== task.parentTaskId) {
    throw mismatch('X-Parent-Task-ID', 'the parent of that task');
  }
  if (stated.parentTokenId !== undefined && stated.parentTokenId !== token.parentTokenId) {
    throw mismatch('X-Parent-Token-ID', 'the token that the task was derived through');
  }
  const about: Omit<Fact, 'type'> = {
    clientId: token.clientId,
    userId: task.subjectKind === 'user' ? task.subject : null,
    tokenId: token.tokenId,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
  };
  await context.store.commit(
    unitOf(
      context,
      caller,
      [],
      { ...about, type: 'task_context_verification' },
      { ...about, type: 'api_access' },
    ),
  );
}

function mismatch(header: string, expected: string): DomainError {
  return new DomainError('forbidden', `${header} is not ${expected}`, { header });
}
