import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import type { AppContext } from '../../app/context.ts';
import { PageRefusal } from './page-refusal.ts';
import type { Pending } from './pending.ts';

export interface FormTokenOptions {
  readonly context: Pick<AppContext, 'ids' | 'digests' | 'settings'>;
  /** 32 bytes, derived for this purpose alone. */
  readonly secret: Buffer;
}

const COOKIE_VALUE = /^[A-Za-z0-9_-]{43}$/;

/**
 * What a form of this interaction in this browser must carry (RFC 6819 §5.3.5, RFC 9700 §4.7). The browser is known
 * by a random cookie that only this server sets; it is made on the first page. Each interaction has one of its own: of
 * two tabs that are opened at the same moment one would take the other's away.
 */
export function issueFormToken(options: FormTokenOptions, ctx: Context, pending: Pending): string {
  const marks = marksOf(options, ctx);
  const browser = marks.own ?? marks.ofAll ?? options.context.ids.secret();
  markBrowser(options, ctx, pending, { browser, marks });
  return sign(options, pending.uid, browser);
}

/** @throws PageRefusal 403 unless the form was served to this browser for this interaction. */
export function requireFormToken(options: FormTokenOptions, ctx: Context, uid: string, token: string): void {
  const { own, ofAll } = marksOf(options, ctx);
  const isServedTo = (browser: string | undefined) =>
    browser !== undefined && options.context.digests.equal(sign(options, uid, browser), token);
  // A server of the release before knows the second one only.
  if (!isServedTo(own) && !isServedTo(ofAll)) throw forged('the form does not belong to this browser');
}

/**
 * Browsers say where a form came from; what says nothing (a script with a cookie jar) has to know the token.
 * @throws PageRefusal 403 for a form that came from anywhere but this server.
 */
export function requireSameOrigin({ context }: FormTokenOptions, ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  // `none` is the person's own doing (a reload): no other page can bring it about.
  if (site !== '' && site !== 'same-origin' && site !== 'none') throw forged(`it came from a ${site} page`);
  const origin = ctx.get('Origin');
  const own = new URL(context.settings.issuer).origin;
  if (origin !== '' && origin !== own) throw forged(`it did not come from ${own}`);
}

function forged(reason: string): PageRefusal {
  return new PageRefusal({
    status: 403,
    title: 'The form was not accepted',
    message: `For your safety this form was refused: ${reason}.`,
    advice: 'Nothing was allowed. Go back to the application and start again, with cookies switched on.',
  });
}

function sign({ secret }: FormTokenOptions, uid: string, browser: string): string {
  return createHmac('sha256', secret).update(`${uid}.${browser}`).digest('base64url');
}

const OF_ONE_INTERACTION = { http: '_taskgrant_form', https: '__Secure-taskgrant_form' };
/** What servers of the release before know a browser by, with https. It is for all paths. */
const OF_ALL = '__Host-taskgrant_form';

/** With https the name itself makes browsers refuse the cookie from elsewhere without it (RFC 6265bis §4.1.3.1). */
function schemeOf({ context }: FormTokenOptions): 'http' | 'https' {
  return context.settings.issuer.startsWith('https:') ? 'https' : 'http';
}

interface Marks {
  readonly own: string | undefined;
  readonly ofAll: string | undefined;
}

function marksOf(options: FormTokenOptions, ctx: Context): Marks {
  const scheme = schemeOf(options);
  const read = (name: string) => {
    const value = ctx.cookies.get(name, { signed: false });
    return value !== undefined && COOKIE_VALUE.test(value) ? value : undefined;
  };
  return { own: read(OF_ONE_INTERACTION[scheme]), ofAll: scheme === 'https' ? read(OF_ALL) : undefined };
}

/** Sets what is missing. INVARIANT: an interaction has its own from its first page on, whatever is there for all. */
function markBrowser(
  options: FormTokenOptions,
  ctx: Context,
  { path, interaction }: Pending,
  { browser, marks }: { readonly browser: string; readonly marks: Marks },
): void {
  const scheme = schemeOf(options);
  const attributes = { httpOnly: true, sameSite: 'lax', secure: scheme === 'https', signed: false } as const;
  const maxAge = (interaction.exp - interaction.iat) * 1000;
  if (marks.own === undefined)
    ctx.cookies.set(OF_ONE_INTERACTION[scheme], browser, { ...attributes, path, maxAge, overwrite: true });
  if (scheme === 'https' && marks.ofAll === undefined)
    ctx.cookies.set(OF_ALL, browser, { ...attributes, path: '/', overwrite: true });
}
