import type { Context } from 'koa';
import { requestState } from '../request-state.ts';
import { html, type Markup } from './html.ts';
import { sendPage } from './page.ts';

/** A refusal that a person reads. */
export interface ErrorPage {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  /** What can be done about it. */
  readonly advice?: string | undefined;
  /** OAuth error code, for the developer of the application. */
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function sendErrorPage(ctx: Context, page: ErrorPage): void {
  const { status, title, headers } = page;
  sendPage(ctx, { status, title, headers, body: body(page, requestState(ctx).origin.requestId) });
}

interface EngineError {
  readonly error: string;
  readonly error_description?: string;
}

/** What the engine shows when it must not redirect to the client (RFC 6749 §4.1.2.1). `ctx.status` is set. */
export function renderErrorPage(ctx: Context, out: EngineError): void {
  const failed = ctx.status >= 500;
  sendErrorPage(ctx, {
    status: ctx.status,
    title: failed ? 'Something went wrong' : 'This request cannot be completed',
    message: failed ? 'The server failed to answer.' : inWords(out),
    advice: failed
      ? 'Try again. If it happens again, tell whoever runs this server the request id below.'
      : 'Go back to the application and start again. If it happens again, its developer needs what stands below.',
    code: out.error,
  });
}

/** What people meet most often in words of theirs: an editor that remembers a client which the server has forgotten. */
function inWords({ error, error_description: description = error }: EngineError): string {
  return description === 'client is invalid'
    ? 'The application is not registered at this server, or not any more.'
    : description;
}

/** For a browser that comes back to where it was sent on from before, or to what has ended meanwhile. */
export const STEP_OVER: ErrorPage = {
  status: 400,
  title: 'This step is over',
  message: 'Your browser has gone on from here already, you have signed out, or it took too long.',
  advice:
    'If the application goes on, or another window asks for your consent, you can close this page. Otherwise go back to the application and start again.',
};

function body({ title, message, advice, code }: ErrorPage, requestId: string): Markup {
  return html`<h1>${title}</h1>
<p role="alert">${message}</p>
${advice && html`<p>${advice}</p>`}
<dl class="small">
${code && html`<dt>Error</dt><dd><code>${code}</code></dd>`}
${requestId && html`<dt>Request id</dt><dd><code>${requestId}</code></dd>`}
</dl>`;
}
