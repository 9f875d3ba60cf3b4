import type { Context } from 'koa';
import type { AppContext } from '../app/context.ts';
import { registerClient } from '../app/agents/register-client.ts';
import type { EngineClient } from './internals.ts';
import { requestState } from './request-state.ts';

/** draft-ietf-oauth-client-id-metadata-document §3: such a client id is the URL of its own metadata. */
export function isMetadataDocumentId(clientId: string): boolean {
  return clientId.startsWith('https://');
}

/**
 * The engine has fetched and checked the document (S20). The first time, the client gets a row of its own with the
 * default permissions, as any client that registers itself; a deleted one stays out.
 */
export function allowMetadataDocument(context: AppContext) {
  return async (ctx: unknown, client: unknown): Promise<boolean> => {
    const { clientId, clientName, clientAuthMethod } = client as EngineClient;
    const state = requestState(ctx as Context);
    const known = state.agents.get(clientId) ?? (await context.store.agents.byId(clientId));
    if (known) return known.deletedAt === null && known.state !== 'revoked';
    const agent = await registerClient(context, {
      caller: { actor: null, origin: state.origin },
      clientId,
      metadata: {
        client_name: clientName ?? clientId,
        token_endpoint_auth_method: clientAuthMethod ?? 'none',
      },
      requestedScope: undefined,
      byAdministrator: false,
    });
    state.agents.set(clientId, agent);
    return true;
  };
}
