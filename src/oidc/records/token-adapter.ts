import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Context } from 'koa';
import Provider from 'oidc-provider';
import { agentTaskDetails } from '../../app/issuance/agent-task-details.ts';
import type { AppContext } from '../../app/context.ts';
import { type ResolvedToken, resolveToken } from '../../app/tokens/resolve-token.ts';
import { formatScope } from '../../domain/scope.ts';
import { revokeReplayedGrant } from './replayed-grant.ts';
import { currentRequestState } from '../request-state.ts';
import { taskMembers } from '../task-members.ts';

/**
 * Shows our tokens to the engine under its own models. The engine stores none: what it would save while redeeming a
 * code is minted by the task engine instead (grants/authorization-code.ts).
 */
export class TokenAdapter implements Adapter {
  readonly #model: string;
  readonly #context: AppContext;

  constructor(model: string, context: AppContext) {
    this.#model = model;
    this.#context = context;
  }

  async upsert(): Promise<void> {
    // INVARIANT: the engine's own tokens never become valid; nothing of them is kept.
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#model === 'ClientCredentials') return undefined;
    const found = await this.#lookUp(id);
    if (!found || (found.token.kind === 'refresh') !== (this.#model === 'RefreshToken')) return undefined;
    return tokenPayload(this.#context, found);
  }

  async #lookUp(id: string): Promise<ResolvedToken | undefined> {
    const route = engineRoute();
    if (route !== 'introspection' && route !== 'revocation') {
      const found = await resolveToken(this.#context, id);
      // R8: a hand-off token is a parent and nothing else.
      return found?.liveness === 'live' && found.token.kind !== 'handoff' ? found : undefined;
    }
    const state = currentRequestState();
    if (!state || id !== state.presentedHandle) return undefined;
    const found = await state.presentedToken();
    return route === 'revocation' || found?.liveness === 'live' ? found : undefined;
  }

  async findByUid(): Promise<undefined> {
    return undefined;
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(): Promise<void> {
    // Refresh tokens are consumed by the task engine (app/refresh-task.ts).
  }

  async destroy(): Promise<void> {
    const state = currentRequestState();
    if (state && engineRoute() === 'revocation') state.revocationAllowed = true;
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    // The engine calls this for each of its models; once is enough.
    if (this.#model === 'AccessToken') await revokeReplayedGrant(this.#context, grantId);
  }
}

function engineRoute(): string | undefined {
  const ctx = Provider.ctx as (Context & { oidc?: { route?: string } }) | undefined;
  return ctx?.oidc?.route;
}

/** The engine's picture of a token: what RFC 7662 answers are made from. Times are seconds. */
function tokenPayload(context: AppContext, found: ResolvedToken): AdapterPayload {
  const { token, task } = found;
  const route = engineRoute();
  const exp = Math.floor(token.expiresAt / 1000);
  return {
    kind: token.kind === 'refresh' ? 'RefreshToken' : 'AccessToken',
    jti: token.tokenId,
    clientId: token.clientId,
    iat: Math.floor(token.issuedAt / 1000),
    // R2: an expired token can still be revoked.
    exp: route === 'revocation' ? Math.max(exp, Math.floor(context.clock.now() / 1000) + 60) : exp,
    scope: formatScope(token.scope),
    ...(token.audience ? { aud: token.audience } : {}),
    ...(token.keyThumbprint ? { jkt: token.keyThumbprint } : {}),
    ...(token.detailed ? { rar: [agentTaskDetails(token, task)] } : {}),
    // Only /userinfo loads the consent; elsewhere a grant would make the engine revoke more than was asked.
    ...(route === 'userinfo' ? { accountId: token.subject, grantId: token.grant } : {}),
    extra: taskMembers(context, found),
  };
}
