import { type ClientLabel, clientName } from './client-name.ts';
import { html } from './html.ts';
import type { Page } from './page.ts';

/**
 * Ends the chain of redirects that began with a form: browsers hold every later redirect against `form-action` of the
 * page with the form, those of the application's own site included (seen in Chromium 156). From here on they are
 * ordinary navigation.
 */
export function handOverPage({ client, url }: { client: ClientLabel; url: string }): Page {
  return {
    status: 200,
    title: 'Going back to the application',
    head: html`<meta http-equiv="refresh" content="0; url=${url}">\n`,
    body: html`<h1>Going back to the application</h1>
<p>${clientName(client)} continues.</p>
<p class="actions"><a class="button primary" href="${url}">Continue</a></p>`,
  };
}
