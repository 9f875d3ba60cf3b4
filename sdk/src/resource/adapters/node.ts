import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../access.ts';
import { rememberAccess } from '../access-of.ts';
import type { Guard } from '../protect.ts';
import { handleNode } from './node-response.ts';

/** A listener of `node:http` that gets accepted requests only. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
) => void | Promise<void>;

/**
 * For `node:http`: `createServer(forNode(guard, (request, response, access) => …))`. Answers the metadata route and
 * refusals by itself. A failure of the guard or of the listener is answered with 500 where nothing was sent yet.
 */
export function forNode(
  guard: Guard,
  listener: NodeListener,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(guard, listener, request, response).catch(() => {
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    });
  };
}

async function serve(
  guard: Guard,
  listener: NodeListener,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const accepted = await handleNode(guard, request, response);
  if (!accepted) return;
  rememberAccess(accepted.access, request);
  await listener(request, response, accepted.access);
}
