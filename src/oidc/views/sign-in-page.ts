import type { ClientLabel } from './client-name.ts';
import { clientName } from './client-name.ts';
import { html, type Markup } from './html.ts';
import type { Page } from './page.ts';

export interface SignInView {
  /** Path of the interaction, without a trailing slash. */
  readonly path: string;
  readonly formToken: string;
  readonly client: ClientLabel;
  readonly formTargets: readonly string[];
  /** What stands in the field: typed before, or from `login_hint`. */
  readonly email: string;
  readonly problem?: SignInProblem | undefined;
}

export interface SignInProblem {
  readonly status: number;
  readonly title: string;
  /** Texts by the field that they are about. */
  readonly fields?: Readonly<Partial<Record<'email' | 'password', string>>>;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function signInPage(view: SignInView): Page {
  const { problem, formTargets } = view;
  return {
    status: problem?.status ?? 200,
    title: problem ? `Error: Sign in` : 'Sign in',
    headers: problem?.headers,
    formTargets,
    body: body(view),
  };
}

function body({ path, formToken, client, email, problem }: SignInView): Markup {
  const focus = problem ? undefined : email === '' ? 'email' : 'password';
  // Browsers refuse addresses that are right, as those with an ü before the @: the server says what is missing or wrong.
  return html`${problem && summary(problem)}
<h1>Sign in</h1>
<p>${clientName(client)} asks to act for you. First say who you are.</p>
<form method="post" action="${path}/login" novalidate>
<input type="hidden" name="form_token" value="${formToken}">
<div class="field">
<label for="email">E-mail address</label>
${wrong('email', problem)}
<input id="email" name="email" type="email" value="${email}" required maxlength="254" autocomplete="username"
 autocapitalize="none" spellcheck="false"${described('email', problem)}${focus === 'email' && html` autofocus`}>
</div>
<div class="field">
<label for="password">Password</label>
${wrong('password', problem)}
<input id="password" name="password" type="password" required maxlength="1024"
 autocomplete="current-password"${described('password', problem)}${focus === 'password' && html` autofocus`}>
</div>
<div class="actions">
<button class="primary" type="submit">Sign in</button>
<button type="submit" formaction="${path}/abort">Cancel</button>
</div>
</form>`;
}

function summary({ title, fields = {} }: SignInProblem): Markup {
  const links = Object.entries(fields).map(([name, text]) => html`<li><a href="#${name}">${text}</a></li>`);
  return html`<div class="alert" role="alert" tabindex="-1" autofocus>
<h2>${title}</h2>
${links.length > 0 && html`<ul>${links}</ul>`}
</div>`;
}

type Field = 'email' | 'password';

function wrong(field: Field, problem: SignInProblem | undefined): Markup | undefined {
  const text = problem?.fields?.[field];
  return text === undefined ? undefined : html`<p class="wrong" id="${field}-wrong">${text}</p>`;
}

function described(field: Field, problem: SignInProblem | undefined): Markup | undefined {
  return problem?.fields?.[field] === undefined
    ? undefined
    : html` aria-invalid="true" aria-describedby="${field}-wrong"`;
}
