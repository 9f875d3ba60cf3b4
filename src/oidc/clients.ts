import type { Context } from 'koa';
import { isSecretOf } from '../app/agents/client-secret.ts';
import type { AppContext } from '../app/context.ts';
import { DomainError } from '../domain/errors.ts';
import { type Agent, requireActive } from '../domain/agent.ts';
import { engineClient } from './internals.ts';
import { currentRequestState, requestState } from './request-state.ts';

/**
 * Stands where the engine expects a client secret: the real ones are kept as digests only and compared by
 * {@link compareSecret}, so this value is never a credential.
 */
export const SECRET_IS_DIGESTED = 'kept-as-a-digest';

/** Both are taken from a client that is registered for either. */
export const SECRET_METHODS: readonly string[] = ['client_secret_basic', 'client_secret_post'];

/** What the engine's Client model is made from; undefined for deleted agents. */
export function clientMetadata(agent: Agent): Record<string, unknown> | undefined {
  if (agent.deletedAt !== null || agent.state === 'revoked') return undefined;
  // ID tokens are signed as this server signs now, not as it did when the client was registered.
  const { id_token_signed_response_alg: _then, ...metadata } = agent.metadata;
  const method = (metadata.token_endpoint_auth_method as string | undefined) ?? 'client_secret_basic';
  return {
    client_name: agent.name,
    grant_types: [],
    response_types: [],
    redirect_uris: [],
    ...metadata,
    client_id: agent.clientId,
    client_id_issued_at: Math.floor(agent.createdAt / 1000),
    token_endpoint_auth_method: method,
    ...(SECRET_METHODS.includes(method)
      ? { client_secret: SECRET_IS_DIGESTED, client_secret_expires_at: 0 }
      : {}),
  };
}

/** Compares with every secret that is valid now: two during a rotation's overlap. */
export async function compareSecret(
  context: AppContext,
  clientId: string,
  presented: unknown,
): Promise<boolean> {
  const known =
    currentRequestState()?.secrets.get(clientId) ??
    (await context.store.agents.secrets(clientId, context.clock.now()));
  return typeof presented === 'string' && isSecretOf(context, known, presented);
}

/** The agent behind the authenticated client. @throws DomainError `agent_not_active` (R11). */
export async function requireAgent(context: AppContext, ctx: Context): Promise<Agent> {
  const { clientId } = engineClient(ctx);
  const agent = requestState(ctx).agents.get(clientId) ?? (await context.store.agents.byId(clientId));
  if (!agent) throw new DomainError('agent_not_active', 'the agent is gone');
  requireActive(agent);
  return agent;
}
