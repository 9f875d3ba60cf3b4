import type { Context } from 'koa';
import { html, type Markup, verbatim } from './html.ts';
import { STYLE_SHEET, STYLE_SOURCE } from './style-sheet.ts';

export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: Markup;
  /** Where forms of the page may lead besides this server: sources of Content-Security-Policy. */
  readonly formTargets?: readonly string[] | undefined;
  /** Into the head, after the title. */
  readonly head?: Markup | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const STYLE = html`<style>${verbatim(STYLE_SHEET)}</style>`;

/**
 * Answers with a page for people. It holds no script, may not be framed (S9) and is never cached, so nothing of it
 * survives a sign-out.
 */
export function sendPage(ctx: Context, page: Page): void {
  ctx.status = page.status;
  ctx.set(headersOf(page));
  if (page.headers) ctx.set(page.headers);
  ctx.body = documentOf(ctx, page).text;
  ctx.type = 'text/html; charset=utf-8';
}

function headersOf({ formTargets = [] }: Page): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      `style-src ${STYLE_SOURCE}`,
      'img-src data:',
      ["form-action 'self'", ...formTargets].join(' '),
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // With no-referrer a browser sends `Origin: null` from our own forms; to other sites nothing is sent either way.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
}

function documentOf(ctx: Context, { title, body, head }: Page): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Taskgrant</title>
${head}<link rel="icon" href="data:,">
${STYLE}
</head>
<body>
<header>Taskgrant</header>
<main>
${body}
</main>
<footer>${ctx.host}</footer>
</body>
</html>
`;
}
