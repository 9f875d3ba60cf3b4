import { rememberAccess } from '../access-of.ts';
import type { Guard } from '../protect.ts';

/** What is needed of Fastify's request. */
export interface FastifyRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is needed of Fastify's reply. */
export interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: Record<string, string>): FastifyReply;
  send(body?: unknown): FastifyReply;
}

/**
 * For Fastify: `app.addHook('onRequest', forFastify(guard))`, or `onRequest` of one route; handlers ask
 * `accessOf(request)`. A hook of the root answers the metadata route as well.
 */
export function forFastify(guard: Guard) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { method, originalUrl: url, headers } = request;
    const answer = await guard.handle({ method, url, headers });
    if (answer.accepted) {
      reply.headers(answer.headers);
      rememberAccess(answer.access, request);
      return undefined;
    }
    reply.code(answer.status).headers(answer.headers);
    // Sending ends the request here: the handler never runs.
    return reply.send(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  };
}
