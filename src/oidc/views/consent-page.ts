import { UNSEEN } from '../../domain/shown-text.ts';
import { type ClientLabel, clientName } from './client-name.ts';
import { html, type Markup } from './html.ts';
import type { Page } from './page.ts';

export interface ConsentChoice {
  /** Scope as it is granted. */
  readonly right: string;
  readonly description: string | undefined;
  /** Always part of the grant. */
  readonly fixed?: boolean | undefined;
  readonly ticked: boolean;
}

export interface ConsentView {
  readonly path: string;
  readonly formToken: string;
  /** Digest of everything below: an approval holds only for what was shown. */
  readonly shown: string;
  readonly client: ClientLabel;
  readonly unverified: boolean;
  readonly account: string;
  readonly formTargets: readonly string[];
  /** Where the browser goes afterwards: a host, or words for an application on the device. */
  readonly returnsTo: string;
  readonly taskId: string | undefined;
  readonly description: string | undefined;
  readonly parentTaskId: string | undefined;
  readonly choices: readonly ConsentChoice[];
  readonly unavailable: readonly { readonly right: string; readonly because: string }[];
  readonly audiences: readonly string[];
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly delegates: readonly ClientLabel[];
  /** What the approval lasts at most, whatever would be possible by then. */
  readonly agreedSeconds: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
  readonly lasts: string;
  /** The request changed between showing and approving. */
  readonly changed: boolean;
}

export function consentPage(view: ConsentView): Page {
  return {
    status: view.changed ? 409 : 200,
    title: `${view.changed ? 'Changed: ' : ''}${headingOf(view)}`,
    formTargets: view.formTargets,
    body: body(view),
  };
}

function headingOf({ choices }: ConsentView): string {
  return choices.length > 0
    ? 'Allow this application to act for you?'
    : 'This application cannot act for you';
}

function body(view: ConsentView): Markup {
  const { path, formToken, shown, agreedSeconds, client, account, choices } = view;
  const possible = choices.length > 0;
  return html`${view.changed && changedNotice}
<h1>${headingOf(view)}</h1>
<p>${clientName(client)} asks to act in your name. Your browser then goes to <strong><bdi>${view.returnsTo}</bdi></strong>.</p>
${possible && view.unverified && unverifiedNotice}
<p class="small quiet">You are signed in as <bdi>${account}</bdi>.
<a href="${path}?account=other">Use another account</a></p>
<form method="post" action="${path}/consent">
${noDefaultButton}
<input type="hidden" name="form_token" value="${formToken}">
<input type="hidden" name="shown" value="${shown}">
<input type="hidden" name="seconds" value="${agreedSeconds}">
${taskSection(view)}
${
  possible &&
  html`<fieldset>
<legend>What it may do</legend>
<div>
<p class="small quiet">Untick what you do not want to allow.</p>
${choices.map(choice)}
</div>
</fieldset>`
}
${unavailableSection(view)}
${possible && boundsSection(view)}
<div class="actions">
<button type="submit" formaction="${path}/abort">${possible ? 'Do not allow' : 'Go back'}</button>
${possible && html`<button class="primary" type="submit">Allow</button>`}
</div>
</form>`;
}

/**
 * Enter in a box presses the first button of the form (HTML §4.10.21.2), which would end the request. This one closes
 * the dialog around it, where there is none. A disabled one is no help: Chromium goes on to the next.
 */
const noDefaultButton = html`<button type="submit" formmethod="dialog" hidden></button>`;

const changedNotice = html`<div class="alert" role="alert" tabindex="-1" autofocus>
<h2>This request has changed since you looked at it. Nothing was allowed: please check it again.</h2>
</div>`;

const unverifiedNotice = html`<div class="notice"><strong>Unverified application.</strong>
Nobody here answers for it, and its name is its own choice. Allow it only if you have just started it yourself.</div>`;

function taskSection({ taskId, description, parentTaskId }: ConsentView): Markup | undefined {
  if (taskId === undefined && description === undefined && parentTaskId === undefined) return undefined;
  return html`<section aria-labelledby="task">
<h2 id="task">The task</h2>
<dl>
${
  description !== undefined &&
  html`<dt id="words">In the application’s own words – not checked by anyone</dt>
<dd><blockquote aria-labelledby="words"><bdi>${description}</bdi></blockquote></dd>`
}
${taskId !== undefined && html`<dt>Task id</dt><dd><code>${taskId}</code></dd>`}
${parentTaskId !== undefined && html`<dt>Part of your task</dt><dd><code>${parentTaskId}</code></dd>`}
</dl>
</section>`;
}

function choice({ right, description, fixed, ticked }: ConsentChoice, i: number): Markup {
  const id = `scope-${i}`;
  return html`<div class="choice">
<input id="${id}" type="checkbox" name="scope" value="${right}"${ticked && html` checked`}${fixed && html` disabled`}>
<label for="${id}">${description ?? right}${description !== undefined && html` <code>${right}</code>`}</label>
${fixed && html`<div class="small">Cannot be left out.</div>`}
</div>`;
}

function unavailableSection({ unavailable, choices }: ConsentView): Markup | undefined {
  if (unavailable.length === 0) return undefined;
  const rows = unavailable.map(
    ({ right, because }) => html`<dt><code>${right}</code></dt><dd>${because}</dd>`,
  );
  return html`<section aria-labelledby="unavailable">
<h2 id="unavailable">Not available</h2>
<p class="small quiet">${
    choices.length > 0
      ? 'The application asked for this too; it will not get it.'
      : 'The application asked for nothing else, so there is nothing that you could allow.'
  }</p>
<dl>${rows}</dl>
</section>`;
}

function boundsSection(view: ConsentView): Markup {
  const { audiences, tools, resources, delegates } = view;
  return html`<section aria-labelledby="bounds">
<h2 id="bounds">Where, with what and how long</h2>
<dl>
${
  audiences.length > 0 &&
  html`<dt>Services it may use</dt><dd>${list(audiences)}</dd>
<dt>Tools it may use</dt><dd>${tools.length > 0 ? list(tools) : 'None named'}</dd>`
}
${resources.length > 0 && html`<dt>Named resources</dt><dd>${list(resources)}</dd>`}
<dt>Who may get parts of it</dt>
<dd>${delegates.length > 0 ? html`<ul>${delegates.map((one) => html`<li>${clientName(one)}</li>`)}</ul>` : 'Only this application'}</dd>
<dt>Ends at the latest</dt>
<dd>in ${view.lasts}, <time datetime="${new Date(view.endsAt).toISOString()}">${readableTime(view.endsAt)}</time></dd>
</dl>
</section>`;
}

function list(names: readonly string[]): Markup {
  return html`<ul>${names.map((name) => html`<li><code>${asItIs(name)}</code></li>`)}</ul>`;
}

const EACH_UNSEEN = new RegExp(UNSEEN, 'gu');

/** A name that an agent chose, with what a person would not see in it written out. */
function asItIs(name: string): string {
  return name.replace(EACH_UNSEEN, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}

/** The zone is written out: the server does not know the person's. */
function readableTime(at: number): string {
  return `${new Date(at).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })} UTC`;
}
