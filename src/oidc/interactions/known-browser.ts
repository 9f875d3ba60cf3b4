import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import type { InteractionsOptions } from './options.ts';

type Options = Pick<InteractionsOptions, 'context' | 'browserSecret'>;

const COOKIE_VALUE = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
const KEPT_MS = 180 * 86_400_000;

/**
 * The mark of a browser in which somebody has signed in with that address, undefined in all others. Its attempts are
 * counted apart, so that nobody is locked out by those who guess elsewhere.
 */
export function knownBrowser(options: Options, ctx: Context, email: string): string | undefined {
  const value = ctx.cookies.get(cookieName(options), { signed: false }) ?? '';
  const [, mark, proof = ''] = COOKIE_VALUE.exec(value) ?? [];
  if (mark === undefined) return undefined;
  return options.context.digests.equal(prove(options, mark, email), proof) ? mark : undefined;
}

/** Who gets the cookie has just known the password of that address, so it is worth nothing for another one. */
export function rememberBrowser(options: Options, ctx: Context, email: string): void {
  const mark = options.context.ids.secret();
  ctx.cookies.set(cookieName(options), `${mark}.${prove(options, mark, email)}`, {
    path: '/interaction',
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(options),
    maxAge: KEPT_MS,
    signed: false,
    overwrite: true,
  });
}

function prove({ browserSecret }: Options, mark: string, email: string): string {
  return createHmac('sha256', browserSecret).update(`${mark}.${email}`).digest('base64url');
}

function cookieName(options: Options): string {
  return isHttps(options) ? '__Secure-taskgrant_known' : '_taskgrant_known';
}

function isHttps({ context }: Options): boolean {
  return context.settings.issuer.startsWith('https:');
}
