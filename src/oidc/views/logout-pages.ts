import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { ROUTES } from '../routes.ts';
import { formTargets } from './form-targets.ts';
import { html, type Markup, verbatim } from './html.ts';
import { type Page, sendPage } from './page.ts';

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
  sendPage(
    ctx,
    accountId === undefined ? signedOut(200) : stillSignedIn(200, html`You can close this page.`),
  );
}

/** The form of the page that asks was sent a second time, or another window has got a newer one. */
export function renderLogoutRefused(ctx: Context): void {
  const isSignedIn = engineOf(ctx).session?.accountId !== undefined;
  sendPage(ctx, isSignedIn ? stillSignedIn(400, OUT_OF_DATE) : signedOut(400));
}

const OUT_OF_DATE = html`The page from which you wanted to sign out is out of date: you have opened another one since.
<a href="${ROUTES.end_session}">Sign out</a>`;

function signedOut(status: number): Page {
  const body = html`<h1>You are signed out</h1><p>You can close this page.</p>`;
  return { status, title: 'Signed out', body };
}

function stillSignedIn(status: number, more: Markup): Page {
  return { status, title: 'Still signed in', body: html`<h1>You are still signed in</h1><p>${more}</p>` };
}

interface EngineContext {
  readonly params?: { readonly post_logout_redirect_uri?: string };
  readonly provider: Pick<Provider, 'Session'>;
  readonly session?: { readonly accountId?: string | undefined } | undefined;
}

function engineOf(ctx: Context): EngineContext {
  return (ctx as unknown as { oidc: EngineContext }).oidc;
}
