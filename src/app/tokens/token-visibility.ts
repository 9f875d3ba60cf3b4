import type { Agent } from '../../domain/agent.ts';
import { heldRights } from '../../domain/role.ts';
import { covers } from '../../domain/scope.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from './resolve-token.ts';

/**
 * Who may learn about a token (S18, design §3): a resource server for its own audiences, an agent for its own tokens
 * and those derived from them, an administrator all.
 */
export async function mayIntrospect(
  context: AppContext,
  agent: Agent,
  found: ResolvedToken,
): Promise<boolean> {
  if (agent.kind === 'resource_server') {
    const server = await context.store.resourceServers.byClientId(agent.clientId);
    return found.token.audience !== null && (server?.audiences.includes(found.token.audience) ?? false);
  }
  if (covers(heldRights(agent), ['admin:read'])) return true;
  if (found.token.kind === 'refresh') return found.token.clientId === agent.clientId;
  return isOwnOrDerived(agent, found);
}

/** Who may end a token (RFC 7009 §2.1): its client, the clients of its ancestors, an administrator. */
export async function mayRevoke(_context: AppContext, agent: Agent, found: ResolvedToken): Promise<boolean> {
  if (agent.kind === 'resource_server') return false;
  return covers(heldRights(agent), ['admin:write']) || isOwnOrDerived(agent, found);
}

function isOwnOrDerived(agent: Agent, { token, task }: ResolvedToken): boolean {
  return (
    token.clientId === agent.clientId || task.lineage.some((ancestor) => ancestor.client === agent.clientId)
  );
}
