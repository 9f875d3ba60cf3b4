import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { type AgentParty, pkce } from '../support/parties.ts';
import { formOf } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import { TOKEN_PATH } from '../support/token-requests.ts';

/**
 * What clients saw of a server that ended while they asked it one request after the other, each on a connection that
 * it keeps (RFC 9112 §9.3).
 */
export interface Seen {
  /** Of the tokens in whole answers. */
  readonly tokenIds: string[];
  /** Whole answers that said `Connection: close`. */
  closing: number;
  /** Whole answers without a token. */
  readonly refused: string[];
  /** Answers of which only a part came. */
  readonly cut: string[];
  /** No answer, although the connection was made for this request before the server was told to end. */
  readonly lost: string[];
  /**
   * No answer on a connection that had been used before and that the server was closing as the request was sent:
   * RFC 9112 §9.5 lets a server do that at any time, and §9.3.1 tells clients to expect it.
   */
  crossed: number;
  /** No answer on a connection that was made only after the server was told to end. */
  late: number;
}

export interface KeepAliveClients {
  readonly seen: Seen;
  /** Resolves when so many tokens have come. @throws Error when that takes 20 seconds. */
  answered(tokens: number): Promise<void>;
  /**
   * Whether these clients, after the server was told, could not go on for a while because the machine had other work: the server takes a kept
   * connection for idle then, and may close it without a word.
   */
  stalled(): boolean;
  /** The server is told to end now. */
  told(): void;
  /** Resolves when no client reaches the server any more. */
  finished(): Promise<void>;
}

/** Half of the time after which the server takes a connection for idle. */
const STALLED_MS = 50;

/** Starts clients that ask for tokens until they are refused a connection. */
export function startClients(server: RunningServer, agent: AgentParty, count: number): KeepAliveClients {
  const seen: Seen = { tokenIds: [], closing: 0, refused: [], cut: [], lost: [], crossed: 0, late: 0 };
  let toldAt = Number.POSITIVE_INFINITY;
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  const connected = new WeakMap<Socket, number>();

  async function client(): Promise<void> {
    const connections = new Agent({ keepAlive: true, maxSockets: 1 });
    while (await ask(connections));
    connections.destroy();
  }

  /** False when nobody listens any more. */
  function ask(connections: Agent): Promise<boolean> {
    return new Promise((goOn) => {
      const form = formOf({ grant_type: 'client_credentials', ...pkce().parameters });
      const headers = { ...agent.headers, 'content-type': 'application/x-www-form-urlencoded' };
      const sent = request(new URL(TOKEN_PATH, server.issuer), {
        method: 'POST',
        agent: connections,
        headers,
      });
      sent.on('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => connected.set(socket, Date.now()));
      });
      sent.on('response', (answer) => void read(answer).then(() => goOn(true)));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') return goOn(false);
        const since = (sent.socket && connected.get(sent.socket)) ?? Number.POSITIVE_INFINITY;
        if (sent.reusedSocket) seen.crossed += 1;
        else if (since >= toldAt) seen.late += 1;
        else seen.lost.push(String(error));
        goOn(true);
      });
      sent.end(form.toString());
    });
  }

  async function read(answer: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer) chunks.push(chunk as Buffer);
    } catch (error) {
      seen.cut.push(String(error));
      return;
    }
    const text = Buffer.concat(chunks).toString();
    const { token_id: tokenId } = JSON.parse(text) as { token_id?: string };
    if (tokenId === undefined) seen.refused.push(`${answer.statusCode} ${text}`);
    else seen.tokenIds.push(tokenId);
    if (answer.headers.connection === 'close') seen.closing += 1;
  }

  const clients = Promise.all(Array.from({ length: count }, client));
  return {
    seen,
    async answered(tokens) {
      for (const late = Date.now() + 20_000; seen.tokenIds.length < tokens; await setTimeout(10)) {
        if (Date.now() > late) throw new Error(`${seen.tokenIds.length} of ${tokens} tokens came`);
      }
    },
    stalled: () => delays.max > STALLED_MS * 1e6,
    told() {
      toldAt = Date.now();
      delays.reset();
    },
    async finished() {
      await clients;
      delays.disable();
    },
  };
}
