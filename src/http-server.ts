import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** Longer than the usual 60 seconds of load balancers, so that it is they who close idle connections. */
const KEEP_ALIVE_MS = 65_000;
/** Longer than anybody waits for an answer here; those who wait for events are told something sooner. */
const SILENT_MS = 60_000;
/** A request may ask the database several times. */
const ACCESSES = 4;

/**
 * A server without what answers. A connection on which nothing moves is ended: whoever asks and does not read would keep
 * it, and the answers in memory, for ever.
 */
export function httpServer(
  { databaseTimeout }: { readonly databaseTimeout: number },
  silentMs = Math.max(SILENT_MS, ACCESSES * databaseTimeout),
): Server {
  const http = createServer();
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  http.timeout = silentMs;
  http.on('connection', requireAddress);
  return http;
}

/**
 * Asked for at once, because the system forgets whose a connection was when it is reset, and Node remembers. Of one that
 * is reset already nothing is read: its requests would count against nobody, and stand in the audit trail as nobody's.
 */
function requireAddress(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
}
