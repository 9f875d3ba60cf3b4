import type { AuditEvent } from '../../domain/audit-event.ts';
import { asSeenBy } from '../audit/as-seen.ts';
import type { AppContext } from '../context.ts';
import type { Slice, Sliced } from '../ports/page.ts';
import { findAgent } from './find-agent.ts';
import { type AgentVisitor, requireVisitor } from './own-agent.ts';

export interface AgentActivityCommand {
  readonly clientId: string;
  readonly visitor: AgentVisitor;
  readonly slice: Slice;
}

/**
 * What the audit trail holds of an agent, newest first. The agent itself learns what happened to it, but of what
 * others did not who they were, from where, or why in detail.
 * @throws DomainError `not_found`, `forbidden`.
 */
export async function agentActivity(
  context: AppContext,
  { clientId, visitor, slice }: AgentActivityCommand,
): Promise<Sliced<AuditEvent>> {
  requireVisitor(visitor, clientId);
  await findAgent(context, clientId, { includeDeleted: true });
  const found = await context.store.audit.slice({ clientId }, slice);
  if (visitor === 'administrator') return found;
  return { ...found, items: found.items.map((event) => asSeenBy(clientId, event)) };
}
