import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { AppContext } from '../../app/context.ts';
import { requireKeyOf } from '../../domain/verifier.ts';
import { requireAgent } from '../clients.ts';
import { type Door, refusing } from '../errors.ts';
import { engineClient, engineParams, isPublicClient, spendDpopProof } from '../internals.ts';
import { requestState } from '../request-state.ts';
import type { Grant, TokenRequest } from './token-request.ts';

export type EngineHandler = (ctx: Context) => Promise<void>;

/** Everything that a grant of ours is built from. */
export interface GrantContext {
  readonly context: AppContext;
  readonly provider: Provider;
}

/** A grant of ours as the engine calls it: after client authentication, with the parameters registered for it. */
export function engineGrant(grantContext: GrantContext, door: Door, grant: Grant): EngineHandler {
  return async (ctx) => {
    ctx.body = await refusing(door, async () =>
      grant(grantContext.context, await readRequest(grantContext, ctx)),
    );
  };
}

/** @throws DomainError `agent_not_active`; the engine's DPoP errors. */
async function readRequest({ context, provider }: GrantContext, ctx: Context): Promise<TokenRequest> {
  const client = engineClient(ctx);
  const state = requestState(ctx);
  const agent = await requireAgent(context, ctx);
  const proof = await spendDpopProof(provider, ctx);
  requireKeyOf({ dpopBound: client.dpopBoundAccessTokens === true }, { keyThumbprint: proof?.thumbprint });
  const { resource, ...params } = engineParams(ctx);
  return {
    agent,
    publicClient: isPublicClient(client),
    allows: (grantType) => client.grantTypeAllowed(grantType),
    // A child that names no resource has its parent's, not the default.
    params: state.resourceDefaulted ? params : { ...params, resource },
    origin: state.origin,
    keyThumbprint: proof?.thumbprint,
  };
}
