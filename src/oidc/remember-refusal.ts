import type { Context } from 'koa';
import { OAuthRefusal } from './errors.ts';
import { requestState } from './request-state.ts';

/** Only code and description reach the answer; the audit trail wants to know whose child was refused as well. */
export async function rememberingRefusal<T>(ctx: Context, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof OAuthRefusal) requestState(ctx).refusal = error.details;
    throw error;
  }
}
