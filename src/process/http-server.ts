import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** Longer than the usual 60 seconds of load balancers, so that it is they who close idle connections. */
const KEEP_ALIVE_MS = 65_000;
/** Longer than anybody waits for an answer here; those who wait for events are told something sooner. */
const SILENT_MS = 60_000;
/** A request may ask the database several times. */
const ACCESSES = 4;
/** For a request to arrive, and as much for its head alone; whoever connects ahead of it has as long. */
const ARRIVING_MS = 20_000;
/** Besides, in bytes per millisecond, for a body of the size that is allowed. */
const SLOWEST = 32;
/** How often that is looked at. */
const LOOK_EVERY_MS = 5_000;

interface Bounds {
  readonly silentMs?: number;
  readonly arrivingMs?: number;
  readonly lookEveryMs?: number;
}

/**
 * A server without what answers. A connection on which nothing moves is ended: whoever asks and does not read would keep
 * it, and the answers in memory, for ever. So is one whose request takes too long to arrive, byte by byte, with 408; how
 * long its answer takes does not matter.
 */
export function httpServer(
  config: { readonly databaseTimeout: number; readonly requestBodyLimit: number },
  bounds: Bounds = {},
): Server {
  const { databaseTimeout, requestBodyLimit } = config;
  const { arrivingMs = ARRIVING_MS, lookEveryMs = LOOK_EVERY_MS } = bounds;
  const http = createServer({
    headersTimeout: arrivingMs,
    requestTimeout: arrivingMs + Math.ceil(requestBodyLimit / SLOWEST),
    connectionsCheckingInterval: lookEveryMs,
  });
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  http.timeout = bounds.silentMs ?? Math.max(SILENT_MS, ACCESSES * databaseTimeout);
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
