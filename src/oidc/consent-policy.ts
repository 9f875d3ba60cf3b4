import { interactionPolicy, type Provider } from 'oidc-provider';

/** One consent for one authorization: a code always belongs to the task that the person has just seen. */
export async function grantOfThisAuthorization(ctx: {
  oidc: { result?: { consent?: { grantId?: string } }; provider: Provider };
}) {
  const grantId = ctx.oidc.result?.consent?.grantId;
  return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
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
