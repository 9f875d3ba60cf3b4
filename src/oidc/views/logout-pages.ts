import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { formTargets } from './form-targets.ts';
import { html, verbatim } from './html.ts';
import { sendPage } from './page.ts';

/**
 * `features.rpInitiatedLogout.logoutSource`: asks whether to sign out. `form` is the engine's own form with its
 * one-time value; the buttons belong to it by its id.
 */
export function renderLogoutPage(ctx: Context, form: string): void {
  sendPage(ctx, {
    status: 200,
    title: 'Sign out',
    // The application's own site may redirect further.
    formTargets: [...formTargets(engineOf(ctx).params?.post_logout_redirect_uri ?? ''), 'https:'],
    body: html`<h1>Sign out?</h1>
<p>You will be signed out of this browser. Tasks that you have allowed go on until they end or are revoked.</p>
${verbatim(form)}
<div class="actions">
<button class="primary" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm">Stay signed in</button>
</div>`,
  });
}

/** `features.rpInitiatedLogout.postLogoutSuccessSource`. */
export async function renderLoggedOutPage(ctx: Context): Promise<void> {
  // The engine comes here after "stay signed in" as well. A cookie alone tells nothing: its session may have ended.
  const { accountId } = await engineOf(ctx).provider.Session.get(ctx);
  const stayed = accountId !== undefined;
  sendPage(ctx, {
    status: 200,
    title: stayed ? 'Still signed in' : 'Signed out',
    body: stayed
      ? html`<h1>You are still signed in</h1><p>You can close this page.</p>`
      : html`<h1>You are signed out</h1><p>You can close this page.</p>`,
  });
}

interface EngineContext {
  readonly params?: { readonly post_logout_redirect_uri?: string };
  readonly provider: Pick<Provider, 'Session'>;
}

function engineOf(ctx: Context): EngineContext {
  return (ctx as unknown as { oidc: EngineContext }).oidc;
}
