import { rememberAccess } from '../access-of.ts';
import type { Guard } from '../protect.ts';

/** What is needed of Koa's context. */
export interface KoaContext {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/** For Koa: `app.use(forKoa(guard))`; handlers ask `accessOf(ctx)`. Answers the metadata route as well. */
export function forKoa(guard: Guard) {
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const { method, originalUrl: url, headers } = ctx;
    const answer = await guard.handle({ method, url, headers });
    if (answer.accepted) {
      ctx.set(answer.headers);
      rememberAccess(answer.access, ctx);
      await next();
      return;
    }
    ctx.status = answer.status;
    ctx.body = answer.body === undefined ? null : JSON.stringify(answer.body);
    // Koa gives an empty body a status of its own.
    ctx.status = answer.status;
    ctx.set(answer.headers);
  };
}
