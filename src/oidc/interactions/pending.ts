import type { Context } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { Agent } from '../../domain/agent.ts';
import { requestState } from '../request-state.ts';
import type { Params } from '../task-parameters.ts';
import type { ClientLabel } from '../views/client-name.ts';
import type { InteractionsOptions } from './options.ts';
import { requestEnded } from './page-refusal.ts';

export type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** An authorization request that waits for a person. */
export interface Pending {
  readonly uid: string;
  /** Where its pages are. */
  readonly path: string;
  readonly interaction: EngineInteraction;
  /** As the engine checked and kept them. */
  readonly params: Params;
  readonly clientId: string;
  readonly redirectUri: string;
  /** Undefined when it is gone since. */
  readonly agent: Agent | undefined;
  readonly client: ClientLabel;
  /** Who is signed in, if anyone. */
  readonly accountId: string | undefined;
}

/** @throws PageRefusal 400 unless this browser was sent here by the engine and is still expected. */
export async function loadPending(options: InteractionsOptions, ctx: Context, uid: string): Promise<Pending> {
  const interaction = await findInteraction(options, ctx);
  if (interaction.uid !== uid || (await isUsed(options, interaction))) throw requestEnded();
  const params = interaction.params as Params;
  const clientId = String(params.client_id);
  const agent = await options.context.store.agents.byId(clientId);
  return {
    uid,
    path: `/interaction/${uid}`,
    interaction,
    params,
    clientId,
    redirectUri: String(params.redirect_uri ?? ''),
    agent,
    client: { clientId, name: agent?.name ?? clientId },
    accountId: interaction.session?.accountId,
  };
}

async function findInteraction({ provider }: InteractionsOptions, ctx: Context): Promise<EngineInteraction> {
  try {
    return await provider().interactionDetails(ctx.req, ctx.res);
  } catch (error) {
    if (error instanceof errors.SessionNotFound) throw requestEnded();
    throw error;
  }
}

/** A pushed request (RFC 9126) is answered once; until then several browsers may have been sent here with it. */
async function isUsed(
  { provider }: InteractionsOptions,
  { parJti }: EngineInteraction & { readonly parJti?: string },
): Promise<boolean> {
  if (parJti === undefined) return false;
  const { PushedAuthorizationRequest } = provider();
  const pushed = await PushedAuthorizationRequest.find(parJti, { ignoreExpiration: true });
  return (pushed as { readonly consumed?: unknown } | undefined)?.consumed !== undefined;
}

/** Who the audit trail names for this request: the signed-in person, once there is one. */
export function callerOf(ctx: Context, userId: string | null) {
  return { actor: userId, origin: requestState(ctx).origin };
}
