import type { RefusalAnswer } from './refused.ts';
import { readBounded, type RequestGuard } from './request-guard.ts';
import type { VerifiedRequest } from './verified.ts';

/** Answers signed requests. The request's body can be read as if nothing had read it. */
export type SignedHandler = (request: Request, verified: VerifiedRequest) => Promise<Response> | Response;

/** A handler of the Fetch API (Deno, Bun, edge runtimes, Hono, Next.js) that answers signed requests only. */
export function requireSignature(
  guard: RequestGuard,
  handler: SignedHandler,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const checked = await guard.check(request, (limit) => bodyOf(request, limit));
    if (!checked.passed) return responseOf(checked.answer);
    const { method } = request;
    const bodiless = method === 'GET' || method === 'HEAD';
    return handler(
      bodiless ? request : new Request(request, { method, body: checked.body }),
      checked.request,
    );
  };
}

function responseOf({ status, headers, body }: RefusalAnswer): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

async function bodyOf({ body }: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  try {
    return await readBounded(chunksOf(reader), limit);
  } catch (error) {
    // Nobody will read the rest.
    reader.cancel().catch(() => undefined);
    throw error;
  }
}

/** Streams are not iterable in every runtime. */
async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
