import { rememberAccess } from '../access-of.ts';
import type { Guard } from '../protect.ts';
import { responseOf } from './fetch.ts';

/** What is needed of Hono's context. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  header(name: string, value: string): void;
}

/** For Hono: `app.use(forHono(guard))`; handlers ask `accessOf(c)`. Answers the metadata route as well. */
export function forHono(guard: Guard) {
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const request = c.req.raw;
    const answer = await guard.handle(request);
    if (!answer.accepted) return responseOf(answer, request.method);
    rememberAccess(answer.access, c, request);
    await next();
    // Hono forgets fields that were set before a handler that makes a Response by itself.
    for (const [name, value] of Object.entries(answer.headers)) c.header(name, value);
    return undefined;
  };
}
