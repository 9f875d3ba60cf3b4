import { covers, type Scope } from '../../domain/scope.ts';
import type { AppContext } from '../context.ts';

/**
 * What whoever comes to the example API without a token is told to ask for: of its scopes those that an agent may have
 * that has registered itself. MCP clients ask for all that a challenge or the metadata names, and would be refused for
 * more (R10). RFC 9728 §2: a resource need not name every scope that it knows.
 */
export async function exampleApiScopes({ settings, store }: AppContext): Promise<Scope> {
  const owner = await store.resourceServers.byAudience(settings.defaultAudience);
  return (owner?.scopes ?? []).filter((scope) => covers(settings.defaultPermissions, [scope]));
}
