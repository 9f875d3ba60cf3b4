import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** RFC 8252 §7.3: by address, not by name; the port may be any. */
const LOOPBACK = '127.0.0.1';
const PATH = '/callback';

export interface Expected {
  readonly port: number;
  readonly state: string;
  /** RFC 9207: an answer that another server mixed in is refused. */
  readonly issuer: string;
  readonly timeoutMs: number;
}

export interface Callback {
  readonly redirectUri: string;
  /** Rejects when the person declines, the answer is not ours, or the time is up. */
  readonly code: Promise<string>;
  close(): void;
}

/** Listens for the browser that comes back with the code. */
export async function awaitCallback(expected: Expected): Promise<Callback> {
  const { promise: code, resolve, reject } = Promise.withResolvers<string>();
  // Whoever awaits the code hears of it; nothing may be thrown before that.
  code.catch(() => undefined);
  const server = createServer((request, response) => {
    const outcome = readAnswer(request, expected);
    answer(response, outcome);
    if (outcome.code !== undefined) resolve(outcome.code);
    else if (outcome.final) reject(new Error(outcome.problem));
  });
  await listen(server, expected.port);
  const late = setTimeout(() => reject(new Error('nobody signed in within the time')), expected.timeoutMs);
  const { port } = server.address() as AddressInfo;
  return {
    redirectUri: `http://${LOOPBACK}:${port}${PATH}`,
    code,
    close() {
      clearTimeout(late);
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Outcome {
  readonly code?: string;
  readonly problem?: string;
  /** Whether the problem ends the sign-in; a stranger's request does not. */
  readonly final?: boolean;
}

function readAnswer({ url = '/' }: IncomingMessage, { state, issuer }: Expected): Outcome {
  // Anybody on this computer may send anything: `GET //[` is no URL at all.
  const parsed = URL.parse(url, `http://${LOOPBACK}`);
  if (parsed?.pathname !== PATH) return { problem: 'not found' };
  const { searchParams } = parsed;
  if (searchParams.get('state') !== state) return { problem: 'this is not the answer to our request' };
  if (searchParams.get('iss') !== issuer)
    return { problem: 'the answer comes from another server', final: true };
  const error = searchParams.get('error');
  if (error !== null) {
    const why = searchParams.get('error_description');
    return { problem: `the server refused: ${error}${why === null ? '' : ` (${why})`}`, final: true };
  }
  const code = searchParams.get('code');
  return code === null ? { problem: 'the answer holds no code', final: true } : { code };
}

function answer(response: ServerResponse, { code, problem = '', final = false }: Outcome): void {
  const text =
    code === undefined ? `Not signed in: ${problem}.` : 'You are signed in. You can close this window.';
  response.writeHead(code !== undefined ? 200 : final ? 400 : 404, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(`${text}\n`);
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
}
