import { DomainError } from '../../domain/errors.ts';
import type { AppContext } from '../context.ts';
import { type ResolvedToken, resolveToken } from '../tokens/resolve-token.ts';

/**
 * The parent that a presented token proves. Refresh tokens are never parents.
 * @throws DomainError `parent_invalid`, `parent_revoked` or `parent_expired`.
 */
export async function requireLiveParent(context: AppContext, value: string): Promise<ResolvedToken> {
  const parent = await resolveToken(context, value);
  if (!parent || parent.token.kind === 'refresh') {
    throw new DomainError('parent_invalid', 'the parent token is not an access token of this server');
  }
  switch (parent.liveness) {
    case 'live':
      return parent;
    case 'expired':
      throw new DomainError('parent_expired', 'the parent token has expired', about(parent));
    case 'consumed':
      throw new DomainError('parent_revoked', 'the hand-off token has been used', about(parent));
    case 'revoked':
    case 'task_ended':
      throw new DomainError(
        'parent_revoked',
        'the parent token or something it depends on was revoked',
        about(parent),
      );
  }
}

/** Runs what a parent is asked for; a refusal then says of which parent. */
export async function asChildOf<T>(parent: ResolvedToken, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, error.message, { ...error.details, ...about(parent) });
  }
}

function about({ token, task }: ResolvedToken): Record<string, unknown> {
  return { parent_token_id: token.tokenId, parent_task_id: task.taskId };
}
