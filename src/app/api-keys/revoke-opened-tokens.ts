import { requireOwnRoot } from '../agents/own-agent.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import { type EndedTasks, endOpenedTasks } from './end-opened-tasks.ts';

/** An agent ends everything that its API keys have opened. @throws DomainError `forbidden` for a part of its work. */
export function revokeOpenedTokens(
  context: AppContext,
  { caller, bearer }: { readonly caller: Caller; readonly bearer: ResolvedToken },
): Promise<EndedTasks> {
  const { clientId } = bearer.token;
  requireOwnRoot(bearer, clientId);
  return endOpenedTasks(context, { caller, of: { clientId }, reason: 'revoked by the agent' });
}
