import { decodeJwt } from 'jose';
import { errors, interactionPolicy, type KoaContextWithOIDC, type Provider } from 'oidc-provider';

/**
 * One consent for one authorization: a code always belongs to the task that the person has just seen. Where somebody
 * else had to sign in after that (`max_age`), it is not theirs, and they are asked.
 */
export async function grantOfThisAuthorization({ oidc }: ResumedContext) {
  const { result, account, provider } = oidc;
  const grantId = result?.consent?.grantId;
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (grant === undefined || grant.accountId === account?.accountId) return grant;
  delete result?.consent;
  return undefined;
}

interface ResumedContext {
  readonly oidc: {
    readonly result?: { consent?: { grantId?: string } };
    readonly account?: { readonly accountId: string };
    readonly provider: Provider;
  };
}

/** What the consent page knows of the client beside its row. */
export type ConsentDetails = {
  /** Whether it is registered for the `refresh_token` grant. */
  readonly refreshes: boolean;
};

export function consentForEach() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')
    ?.checks.add(
      new Check('account_gone', 'the account can no longer be used', 'login_required', (ctx) =>
        ctx.oidc.session?.accountId && !ctx.oidc.account ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    );
  policy.get('login')?.checks.add(
    new Check('somebody_else', 'another person has signed in', 'login_required', (ctx) => {
      if (ctx.oidc.result?.login && isSomebodyElse(ctx.oidc))
        throw new errors.LoginRequired('another person has signed in than the one of id_token_hint');
      return Check.NO_NEED_TO_PROMPT;
    }),
  );
  policy.get('consent')?.checks.add(
    new Check(
      'consent_for_each',
      'every authorization opens a task of its own',
      'consent_required',
      (ctx) => (ctx.oidc.result?.consent ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT),
      // As the engine knows the client: of one with a metadata document our row does not tell it.
      (ctx): ConsentDetails => ({ refreshes: ctx.oidc.client?.grantTypeAllowed('refresh_token') ?? false }),
    ),
  );
  return policy;
}

/**
 * OpenID Connect Core §3.1.2.1: the client gets an error unless the person of its hint is the one. The engine looks when
 * the request comes, and verifies the hint; not when the browser comes back from signing in.
 */
function isSomebodyElse({ params, session }: KoaContextWithOIDC['oidc']): boolean {
  const hint = params?.id_token_hint;
  return typeof hint === 'string' && decodeJwt(hint).sub !== session?.accountId;
}
