import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { AppContext } from '../../app/context.ts';
import type { TokenCommand } from '../../app/issuance.ts';
import { type DpopProof, engineClient, engineParams, isPublicClient, spendDpopProof } from '../internals.ts';
import { requestState } from '../request-state.ts';
import { readTaskParameters } from '../task-parameters.ts';
import { requireAgent } from '../clients.ts';

/** Everything that a grant of ours is built from. */
export interface GrantContext {
  readonly context: AppContext;
  readonly provider: Provider;
}

/**
 * What the authenticated client of this token request asks for.
 * @throws DomainError for malformed parameters; the engine's DPoP errors.
 */
export async function readTokenCommand(
  { context, provider }: GrantContext,
  ctx: Context,
  proof?: DpopProof,
): Promise<TokenCommand> {
  const client = engineClient(ctx);
  const state = requestState(ctx);
  const agent = await requireAgent(context, ctx);
  const dpop = proof ?? (await spendDpopProof(provider, ctx));
  const { resource, ...params } = engineParams(ctx);
  // A child that names no resource has its parent's, not the default.
  const sent = state.resourceDefaulted ? params : { ...params, resource };
  const { request, resources, detailed } = readTaskParameters(sent, {
    sha256: context.digests.sha256,
    keyThumbprint: dpop?.thumbprint,
  });
  return {
    caller: { actor: client.clientId, origin: state.origin },
    agent,
    publicClient: isPublicClient(client),
    request,
    resources,
    detailed,
    refreshAllowed: client.grantTypeAllowed('refresh_token'),
  };
}

/** A parameter that may be sent once. */
export function soleParam(ctx: Context, name: string): string | undefined {
  const value = engineParams(ctx)[name];
  return typeof value === 'string' ? value : undefined;
}
