import { covers } from '../../domain/scope.ts';
import type { AppContext } from '../context.ts';

/**
 * The resource server of the example API, if there is one, and what whoever comes without a token is told to ask for: of
 * its scopes those that an agent may have that has registered itself. MCP clients ask for all that a challenge or the
 * metadata names, and would be refused for more (R10). RFC 9728 §2: a resource need not name every scope that it knows.
 */
export async function exampleApi({ settings, store }: AppContext) {
  const owner = await store.resourceServers.byAudience(settings.defaultAudience);
  const scopes = (owner?.scopes ?? []).filter((scope) => covers(settings.defaultPermissions, [scope]));
  return { owner, scopes };
}
