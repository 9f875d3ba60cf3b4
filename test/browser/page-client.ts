/** What a page answered, with what a person without scripts could do on it. */
export interface PageAnswer {
  readonly status: number;
  readonly url: URL;
  readonly headers: Headers;
  /** Without the style sheet. */
  readonly html: string;
  /** Where it redirects to, if it does. */
  readonly location: URL | undefined;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | URLSearchParams;
}

/** A browser as far as HTTP goes: cookies with their paths, redirects within the server, forms. */
export interface PageClient {
  /** One request, redirects not followed. */
  send(path: string | URL, sending?: Sending): Promise<PageAnswer>;
  /** Follows redirects until a page, or until they lead to another origin. */
  open(path: string | URL, sending?: Sending): Promise<PageAnswer>;
  /** Sends the form of a page with these fields set; a list repeats a field, `undefined` leaves it out. */
  submit(page: PageAnswer, fields: FormFields, more?: Submission): Promise<PageAnswer>;
  /** What `submit` would send. */
  prepare(
    page: PageAnswer,
    fields: FormFields,
    more?: Submission,
  ): { readonly url: URL; readonly sending: Sending };
  cookies(): readonly Cookie[];
}

export type FormFields = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Submission {
  /** Path of the button that is pressed, when it is not the form's own. */
  readonly action?: string;
  readonly headers?: Record<string, string>;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

export function createPageClient(origin: string, headers: Record<string, string> = {}): PageClient {
  let jar: Cookie[] = [];
  const send = async (path: string | URL, sending: Sending = {}): Promise<PageAnswer> => {
    const url = new URL(path, origin);
    const response = await fetch(url, {
      redirect: 'manual',
      method: sending.method ?? 'GET',
      headers: { ...headers, cookie: cookieHeader(jar, url), ...sending.headers },
      ...(sending.body === undefined ? {} : { body: sending.body }),
    });
    jar = response.headers.getSetCookie().reduce(keep, jar);
    const location = response.headers.get('location');
    return {
      status: response.status,
      url,
      headers: response.headers,
      html: (await response.text()).replace(/<style>[\s\S]*?<\/style>/, ''),
      location: location === null ? undefined : new URL(location, url),
    };
  };
  const open = async (path: string | URL, sending: Sending = {}): Promise<PageAnswer> => {
    let answer = await send(path, sending);
    for (let hops = 0; answer.location?.origin === new URL(origin).origin && hops < 10; hops += 1) {
      answer = await send(answer.location);
    }
    return answer;
  };
  return {
    send,
    open,
    prepare,
    submit(page, fields, more) {
      const { url, sending } = prepare(page, fields, more);
      return open(url, sending);
    },
    cookies: () => jar,
  };
}

function prepare(page: PageAnswer, fields: FormFields, more: Submission = {}) {
  const body = new URLSearchParams(hiddenFields(page.html));
  for (const [name, value] of Object.entries(fields)) {
    body.delete(name);
    for (const one of value === undefined ? [] : [value].flat()) body.append(name, one);
  }
  const path = more.action ?? attribute(page.html, 'form', 'action') ?? '';
  return { url: new URL(path, page.url), sending: { method: 'POST', body, headers: more.headers ?? {} } };
}

function cookieHeader(jar: readonly Cookie[], { pathname }: URL): string {
  const sent = jar.filter(({ path }) => pathname === path || pathname.startsWith(path.replace(/\/?$/, '/')));
  return sent.map(({ name, value }) => `${name}=${value}`).join('; ');
}

function keep(jar: Cookie[], line: string): Cookie[] {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/';
  const others = jar.filter((cookie) => cookie.name !== name || cookie.path !== path);
  const expired = value === '' || /expires=Thu, 01 Jan 1970/i.test(line);
  return expired ? others : [...others, { name, value, path, attributes: line }];
}

/** Hidden fields and what is ticked, as a browser would send them. */
export function hiddenFields(html: string): [string, string][] {
  const inputs = [...html.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag);
  return inputs
    .filter((tag) => /type="hidden"/.test(tag) || (/ checked/.test(tag) && !/ disabled/.test(tag)))
    .map((tag) => [attributeOf(tag, 'name') ?? '', attributeOf(tag, 'value') ?? '']);
}

function attribute(html: string, element: string, name: string): string | undefined {
  const tag = new RegExp(`<${element}\\b[^>]*>`).exec(html)?.[0];
  return tag === undefined ? undefined : attributeOf(tag, name);
}

function attributeOf(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
}
