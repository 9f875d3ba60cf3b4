import type { Access } from '../access.ts';
import { rememberAccess } from '../access-of.ts';
import type { OwnAnswer } from '../metadata.ts';
import type { Guard } from '../protect.ts';
import type { Refused } from '../refusal.ts';

/** A handler of the Fetch API that gets accepted requests only; what else the runtime gives comes after. */
export type FetchHandler<Rest extends readonly unknown[]> = (
  request: Request,
  access: Access,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * For the Web `Request`: Next.js route handlers (`export const GET = forFetch(guard, handler)`), Deno, Bun, workers.
 * Answers the metadata route, where that is routed here, and refusals by itself.
 */
export function forFetch<Rest extends readonly unknown[]>(
  guard: Guard,
  handler: FetchHandler<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    const answer = await guard.handle(request);
    if (!answer.accepted) return responseOf(answer, request.method);
    rememberAccess(answer.access, request);
    const response = await handler(request, answer.access, ...rest);
    return withHeaders(response, answer.headers);
  };
}

export function responseOf(answer: OwnAnswer | Refused, method: string): Response {
  const empty = answer.body === undefined || method === 'HEAD';
  const body = empty ? null : JSON.stringify(answer.body);
  return new Response(body, { status: answer.status, headers: answer.headers });
}

/** A response may be one that cannot be changed. */
function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const further = Object.entries(headers);
  if (further.length === 0) return response;
  const changed = new Response(response.body, response);
  for (const [name, value] of further) changed.headers.set(name, value);
  return changed;
}
