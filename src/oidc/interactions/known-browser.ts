import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import type { User } from '../../domain/user.ts';
import type { InteractionsOptions } from './options.ts';

type Options = Pick<InteractionsOptions, 'context' | 'browserSecret'>;

const COOKIE_VALUE = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
const KEPT_MS = 180 * 86_400_000;

/**
 * The mark of a browser in which somebody has signed in with that address, undefined in all others. Its attempts are
 * counted apart, so that nobody is locked out by those who guess elsewhere. INVARIANT: nobody has a mark who has not
 * known the password that is in force now: whoever knew the one before may have collected any number of them.
 */
export async function knownBrowser(
  options: Options,
  ctx: Context,
  email: string,
): Promise<string | undefined> {
  const value = ctx.cookies.get(cookieName(options), { signed: false }) ?? '';
  const [, mark, proof = ''] = COOKIE_VALUE.exec(value) ?? [];
  if (mark === undefined) return undefined;
  const { digests, store } = options.context;
  const user = await store.users.byEmail(email);
  return user && digests.equal(prove(options, mark, user), proof) ? mark : undefined;
}

/** Who gets the cookie has just known the password of that person, so it is worth nothing for another one. */
export function rememberBrowser(options: Options, ctx: Context, user: User): void {
  const mark = options.context.ids.secret();
  ctx.cookies.set(cookieName(options), `${mark}.${prove(options, mark, user)}`, {
    path: '/interaction',
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(options),
    maxAge: KEPT_MS,
    signed: false,
    overwrite: true,
  });
}

/** The epoch rises with each new password, and whenever the person is cut off (R4). */
function prove({ browserSecret }: Options, mark: string, { userId, epoch }: User): string {
  return createHmac('sha256', browserSecret).update(`${mark}.${userId}.${epoch}`).digest('base64url');
}

function cookieName(options: Options): string {
  return isHttps(options) ? '__Secure-taskgrant_known' : '_taskgrant_known';
}

function isHttps({ context }: Options): boolean {
  return context.settings.issuer.startsWith('https:');
}
