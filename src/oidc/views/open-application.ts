import type { Context, Middleware } from 'koa';
import { ROUTES } from '../routes.ts';
import { html } from './html.ts';
import { type Page, sendPage } from './page.ts';

/**
 * Where a private scheme leads to an application (RFC 8252 §7.1), a browser stays where it was: at the form that it has
 * sent, whose buttons do nothing any more. So it gets a page that opens the application, and opens it again for whoever
 * dismissed the browser's question. What does not say that it navigates gets the redirect; so do requests that no page
 * of ours was shown for, because browsers open applications from a page only for whoever has used it.
 */
export function openApplication(): Middleware {
  return async (ctx, next) => {
    await next();
    const url = applicationOf(ctx);
    if (url === undefined || FIRST.includes(ctx.path) || ctx.get('Sec-Fetch-Dest') !== 'document') return;
    ctx.remove('Location');
    sendPage(ctx, page(url));
  };
}

const FIRST: readonly string[] = [ROUTES.authorization, ROUTES.end_session];

function applicationOf({ response }: Context): string | undefined {
  const url = response.get('Location');
  const scheme = URL.parse(url)?.protocol;
  return scheme === undefined || scheme === 'https:' || scheme === 'http:' ? undefined : url;
}

function page(url: string): Page {
  return {
    status: 200,
    title: 'Going back to the application',
    head: html`<meta http-equiv="refresh" content="0; url=${url}">\n`,
    body: html`<h1>Going back to the application</h1>
<p>Your browser may ask whether to open it. When the application goes on, you can close this page.</p>
<p class="actions"><a class="button primary" href="${url}">Open the application</a></p>`,
  };
}
