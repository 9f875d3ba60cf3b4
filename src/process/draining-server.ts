import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What was ended by force because it took too long. */
export interface Cut {
  /** Requests without a whole answer; the path without its query. */
  readonly requests: readonly { readonly method: string; readonly path: string }[];
  /** Connections on which the beginning of a request had arrived. */
  readonly incomplete: number;
}

export interface DrainingServer {
  /**
   * Ends the server. For `delayMs` it goes on as before; then it accepts nothing new, asks the clients that it answers
   * to leave, closes what is idle and waits for the rest, up to `withinMs`. `endStreams` is called when nobody can come back
   * any more: it ends what has no end of its own.
   * @returns what was still going on then and was cut.
   */
  drain(delayMs: number, withinMs: number, endStreams?: () => void): Promise<Cut>;
}

interface Connection {
  /** In the order of their requests, which is the order of the answers. */
  readonly pending: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
  /** The answer after which the connection ends, if it is marked. */
  last: ServerResponse | undefined;
  /** Bytes that had arrived when the last answer was complete: more means that another request is arriving. */
  answeredAt: number;
}

/** So often in a row nobody has connected before the server stops accepting: nobody waits in the kernel's queue. */
const QUIET_ROUNDS = 5;
const ROUND_MS = 5;
/** After this the server stops accepting although people go on connecting. */
const QUIET_WITHIN_MS = 1000;
/** A client that has just connected is given this long to send its first byte. */
const FRESH_MS = 1000;
/** A client that kept its connection is given this long: it may be sending, and can be told to leave. */
const KEPT_MS = 100;
const SWEEP_MS = 25;

/**
 * Watches the connections of a server so that it can end without cutting an answer. To be called before the server
 * has a handler for requests.
 */
export function drainingServer(http: Server): DrainingServer {
  const connections = new Map<Socket, Connection>();
  const accepted = { count: 0 };
  let leaving = false;

  http.on('connection', (socket: Socket) => {
    accepted.count += 1;
    connections.set(socket, { pending: [], last: undefined, answeredAt: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  http.on('request', (request, response) => {
    const connection = connections.get(request.socket);
    if (!connection) return;
    const exchange = { request, response };
    connection.pending.push(exchange);
    if (leaving) markLast(connection);
    response.once('close', () => {
      connection.pending.splice(connection.pending.indexOf(exchange), 1);
      connection.answeredAt = request.socket.bytesRead;
    });
  });

  return {
    async drain(delayMs, withinMs, endStreams = () => {}) {
      await setTimeout(delayMs);
      await nobodyConnects(accepted);
      const ended = stopAccepting(http);
      leaving = true;
      endStreams();
      for (const connection of connections.values()) markLast(connection);
      if (!(await emptied(connections, ended, withinMs))) return cutAll(http, connections);
      return { requests: [], incomplete: 0 };
    },
  };
}

/**
 * RFC 9112 §9.6: the answer with `Connection: close` is the last one, so with several requests in the pipeline only
 * the last of them may carry it.
 */
function markLast(connection: Connection): void {
  const response = connection.pending.at(-1)?.response;
  if (!response?.shouldKeepAlive || response.headersSent) return;
  if (connection.last?.headersSent === false) connection.last.shouldKeepAlive = true;
  response.shouldKeepAlive = false;
  connection.last = response;
}

/**
 * Closing the listening socket resets connections that are complete but not yet accepted, and a busy process accepts
 * one in each turn of its event loop.
 */
async function nobodyConnects(accepted: { readonly count: number }): Promise<void> {
  const late = performance.now() + QUIET_WITHIN_MS;
  for (let quiet = 0; quiet < QUIET_ROUNDS && performance.now() < late; ) {
    const before = accepted.count;
    await setTimeout(ROUND_MS);
    // Timers come before input in a turn of the event loop, and this comes after it.
    await setImmediate();
    quiet = accepted.count === before ? quiet + 1 : 0;
  }
}

/**
 * Not `http.close()`: it destroys connections whose answer has been written but is not yet delivered, and switches
 * off the time limits for slow requests.
 */
function stopAccepting(http: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(http, () => resolve());
  });
}

/** Closes connections as they become idle. False when some are left after `withinMs`. */
async function emptied(
  connections: ReadonlyMap<Socket, Connection>,
  ended: Promise<void>,
  withinMs: number,
): Promise<boolean> {
  const began = performance.now();
  const sweep = setInterval(() => closeIdle(connections, performance.now() - began), SWEEP_MS);
  const late = new AbortController();
  const timeout = setTimeout(withinMs, false, { signal: late.signal }).catch(() => false);
  const done = await Promise.race([ended.then(() => true), timeout]);
  clearInterval(sweep);
  late.abort();
  return done;
}

function closeIdle(connections: ReadonlyMap<Socket, Connection>, elapsedMs: number): void {
  for (const [socket, { pending, answeredAt }] of connections) {
    const arriving = socket.bytesRead > answeredAt;
    const patience = socket.bytesRead === 0 ? FRESH_MS : KEPT_MS;
    if (pending.length > 0 || arriving || elapsedMs < patience || socket.writableEnded) continue;
    // What is written is delivered first.
    socket.end(() => socket.destroy());
  }
}

function cutAll(http: Server, connections: ReadonlyMap<Socket, Connection>): Cut {
  const all = [...connections.values()];
  const requests = all.flatMap(({ pending }) =>
    pending.map(({ request: { method = '', url = '' } }) => ({ method, path: url.split('?', 1)[0] ?? '' })),
  );
  http.closeAllConnections();
  for (const socket of connections.keys()) socket.destroy();
  return { requests, incomplete: all.filter(({ pending }) => pending.length === 0).length };
}
