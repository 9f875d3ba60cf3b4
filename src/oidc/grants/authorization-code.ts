import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { resolveAudiences } from '../../app/resource-servers/audiences.ts';
import { tokenResponse } from '../../app/issuance/issuance.ts';
import type { Artifacts } from '../../app/ports/artifacts.ts';
import { redeemAuthorization } from '../../app/issuance/redeem-authorization.ts';
import type { Change } from '../../app/unit-of-work.ts';
import { DomainError } from '../../domain/errors.ts';
import { revokeReplayedGrant } from '../records/replayed-grant.ts';
import { consumeTaskConsent, findTaskConsent, type TaskConsent } from '../task-consent.ts';
import { refusing } from '../errors.ts';
import { engineClient, engineParams } from '../internals.ts';
import { requestState } from '../request-state.ts';
import type { EngineHandler, GrantContext } from './engine-grant.ts';
import { requireAgent } from '../clients.ts';

interface Redeemed {
  readonly AuthorizationCode: { readonly grantId: string; readonly codeChallenge: string };
  readonly AccessToken: { readonly jkt?: string };
}

/**
 * Wraps the engine's handler, which checks client, code, PKCE, redirect URI and DPoP. What it would consume and issue
 * is committed by the task engine in one unit with the task and its audit events (R14); its own tokens are discarded.
 */
export function authorizationCodeGrant(
  grant: GrantContext & { artifacts: Artifacts },
  engine: EngineHandler,
) {
  return async (ctx: Context): Promise<void> => {
    await canonicalResource(grant, ctx);
    const state = requestState(ctx);
    const redemption: { consume: Change[] } = { consume: [] };
    state.redemption = redemption;
    await engine(ctx);
    const { AuthorizationCode: code, AccessToken: token } = (
      ctx as unknown as { oidc: { entities: Redeemed } }
    ).oidc.entities;
    const consent = await findTaskConsent(grant.artifacts, code.grantId);
    if (!consent) throw new errors.InvalidGrant('the consent is gone');
    const idToken = (ctx.body as { id_token?: string }).id_token;
    const issued = await refusing('token', () =>
      redeem(grant, ctx, { consent, grantId: code.grantId, jkt: token.jkt, consume: redemption.consume }),
    );
    ctx.body = { ...tokenResponse(grant.context, issued), ...(idToken ? { id_token: idToken } : {}) };
  };
}

/** T7: `resource` is compared tolerantly; the engine compares it to the letter. */
async function canonicalResource({ context }: GrantContext, ctx: Context): Promise<void> {
  const params = engineParams(ctx);
  if (params.resource === undefined) return;
  const [found, ...more] = await refusing('token', () =>
    resolveAudiences(context, [params.resource ?? []].flat()),
  );
  if (more.length > 0) throw new errors.InvalidTarget('a token request may name one resource');
  if (found) params.resource = found.audience;
}

interface Redemption {
  readonly consent: TaskConsent;
  readonly grantId: string;
  readonly jkt: string | undefined;
  readonly consume: readonly Change[];
}

async function redeem(
  { context }: GrantContext,
  ctx: Context,
  { consent, grantId, jkt, consume }: Redemption,
) {
  const state = requestState(ctx);
  const agent = await requireAgent(context, ctx);
  const user = await context.store.users.byId(consent.userId);
  if (!user) throw new DomainError('grant_revoked', 'the user is gone');
  const client = engineClient(ctx);
  try {
    return await redeemAuthorization(context, {
      caller: { actor: agent.clientId, origin: state.origin },
      agent,
      publicClient: client.clientAuthMethod === 'none',
      request: { ...consent.request, keyThumbprint: jkt },
      resources: [engineParams(ctx).resource ?? []].flat(),
      detailed: consent.detailed,
      refreshAllowed: client.grantTypeAllowed('refresh_token'),
      grant: grantId,
      user,
      userEpoch: consent.userEpoch,
      agentEpoch: consent.agentEpoch,
      consented: consent.authority,
      parentTokenId: consent.parentTokenId,
      codeChallenge: consent.codeChallenge,
      consume: [...consume, consumeTaskConsent(grantId, context.clock.now())],
    });
  } catch (error) {
    // Another request redeemed the code between our read and our commit: that is a replay (RFC 6749 §4.1.2).
    if (error instanceof DomainError && error.code === 'grant_replayed')
      await revokeReplayedGrant(context, grantId);
    throw error;
  }
}
