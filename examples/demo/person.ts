/** A person at a browser: keeps cookies, follows redirects, fills in the server's own pages. */
export class Person {
  readonly email: string;
  readonly password: string;
  readonly #issuer: string;
  readonly #cookies = new Map<string, string>();

  constructor(issuer: string, { email, password }: { email: string; password: string }) {
    this.#issuer = issuer;
    this.email = email;
    this.password = password;
  }

  /**
   * Opens the address that an application sends them to, signs in and allows everything that is asked.
   * @returns the address outside the server to which the browser is sent in the end.
   */
  async approve(url: string): Promise<{ readonly url: URL; readonly shown: readonly string[] }> {
    let at = await this.#visit(url);
    // Who has signed in before is asked to approve at once.
    if (at.page?.includes('/login"'))
      at = await this.#submit(at, '/login', { email: this.email, password: this.password });
    const shown = fields(at.page ?? '', 'scope');
    if (at.page !== undefined) at = await this.#submit(at, '/consent', { shown: fields(at.page, 'shown') });
    if (at.page !== undefined) throw new Error(`the sign-in does not end:\n${at.page}`);
    return { url: new URL(at.url), shown };
  }

  async #submit(at: Visited, step: string, answers: Record<string, string | string[]>): Promise<Visited> {
    const page = at.page ?? '';
    const action = new RegExp(`<form method="post" action="([^"]+${step})"`).exec(page)?.[1];
    if (action === undefined) throw new Error(`the page at ${at.url} has no form for ${step}:\n${page}`);
    const form = new URLSearchParams();
    for (const name of ['form_token', 'scope'])
      for (const value of fields(page, name)) form.append(name, value);
    for (const [name, value] of Object.entries(answers))
      for (const one of [value].flat()) form.append(name, one);
    return this.#visit(new URL(action, this.#issuer).href, form);
  }

  /** Until a page is shown or another site begins. */
  async #visit(url: string, form?: URLSearchParams): Promise<Visited> {
    if (!url.startsWith(`${this.#issuer}/`)) return { url };
    const response = await fetch(url, {
      ...(form ? { method: 'POST', body: form } : {}),
      headers: { Cookie: [...this.#cookies].map((cookie) => cookie.join('=')).join('; ') },
      redirect: 'manual',
    });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    const location = response.headers.get('location');
    if (location !== null) return this.#visit(new URL(location, url).href);
    const page = await response.text();
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${page}`);
    return { url, page };
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const [name = '', ...value] = pair.split('=');
    if (value.join('=') === '') this.#cookies.delete(name);
    else this.#cookies.set(name, value.join('='));
  }
}

interface Visited {
  readonly url: string;
  /** Absent once the browser has left the server. */
  readonly page?: string;
}

/** The values of a form's fields of that name. */
function fields(page: string, name: string): string[] {
  const found = page.matchAll(new RegExp(`name="${name}"(?: type="[a-z]+")? value="([^"]*)"`, 'g'));
  return [...found].map(([, value = '']) => value.replaceAll('&amp;', '&'));
}
