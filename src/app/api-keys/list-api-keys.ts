import type { ApiKey } from '../../domain/api-key.ts';
import { findAgent } from '../agents/find-agent.ts';
import { type AgentVisitor, requireVisitor } from '../agents/own-agent.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';

export interface ListApiKeysCommand {
  readonly clientId: string;
  readonly visitor: AgentVisitor;
  readonly page: Page;
}

/** Newest first, ended ones too while they are kept. @throws DomainError `not_found`, `forbidden`. */
export async function listApiKeys(
  context: AppContext,
  { clientId, visitor, page }: ListApiKeysCommand,
): Promise<Paged<ApiKey>> {
  requireVisitor(visitor, clientId);
  await findAgent(context, clientId, { includeDeleted: true });
  return context.store.apiKeys.ofAgent(clientId, page);
}
