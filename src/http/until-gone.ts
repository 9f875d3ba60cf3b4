import type { RequestContext } from './state.ts';

/** Aborted when the connection of a request is closed, or the answer is complete. */
export function untilGone({ res, req }: RequestContext): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  if (req.socket.destroyed) gone.abort();
  return gone.signal;
}
