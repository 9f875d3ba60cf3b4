import http from 'node:http';
import https from 'node:https';
import type { DecisionAnswer, DecisionPoint, DecisionQuestion } from '../app/ports/decision-point.ts';
import type { Logger } from '../app/ports.ts';

/** A decision is a few words; more than this is no answer. */
const MAX_BYTES = 65_536;
const CONNECTIONS = 64;

export interface DecisionPointClient extends DecisionPoint {
  /** Closes idle connections. */
  close(): void;
}

/**
 * Asks decision points in the shape of OPA's data API. Connections are kept and used again, redirects are not
 * followed, answers are bounded in size and time. The operator names the addresses, so private ones are fine.
 * @param token goes as a bearer token with questions that ask for it, and nowhere else
 */
export function createDecisionPoint({
  token,
  log,
}: {
  token: string | undefined;
  log: Logger;
}): DecisionPointClient {
  const options = { keepAlive: true, maxSockets: CONNECTIONS };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  const tell = outageReporter(log);
  return {
    async ask(question) {
      const given = await post(question, agents, question.sendsToken ? token : undefined);
      tell(question.endpoint, 'failure' in given ? given.failure : undefined);
      return given;
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

type Agents = Readonly<Record<'http:' | 'https:', http.Agent>>;

/** Once more, by a new connection, where an idle one was closed before its use: asking twice changes nothing. */
async function post(
  question: DecisionQuestion,
  agents: Agents,
  token: string | undefined,
): Promise<DecisionAnswer> {
  const signal = AbortSignal.timeout(question.timeoutMs);
  const first = await attempt(question, agents, token, signal);
  if (first !== 'stale') return first;
  const second = await attempt(question, undefined, token, signal);
  return second === 'stale' ? { failure: 'connection failed' } : second;
}

/** Written to a connection that the other side has reset, or closed and then reset. */
const CLOSED = ['ECONNRESET', 'EPIPE'];

/** @param agents whose connections may be used again; absent = by a connection of its own */
function attempt(
  { endpoint, input }: DecisionQuestion,
  agents: Agents | undefined,
  token: string | undefined,
  signal: AbortSignal,
): Promise<DecisionAnswer | 'stale'> {
  const url = new URL(endpoint);
  const body = JSON.stringify({ input });
  const secure = url.protocol === 'https:';
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) => {
      if (signal.aborted) resolve({ failure: 'timeout' });
      else if (request.reusedSocket && CLOSED.includes(error.code ?? '')) resolve('stale');
      else resolve({ failure: error.code ?? 'connection failed' });
    };
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      agent: agents?.[secure ? 'https:' : 'http:'] ?? false,
      signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    request.on('error', fail);
    // An answer with status 101 comes to nobody else, and with it the signal has no effect any more.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ failure: `status ${response.statusCode}` });
    });
    request.on('response', (response) => {
      response.on('error', fail);
      readAnswer(response, resolve);
    });
    request.end(body);
  });
}

function readAnswer(response: http.IncomingMessage, resolve: (answer: DecisionAnswer) => void): void {
  const give = (failure: string) => {
    resolve({ failure });
    response.destroy();
  };
  if (response.statusCode !== 200) return give(`status ${response.statusCode}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) give(`more than ${MAX_BYTES} bytes`);
    else chunks.push(chunk);
  });
  response.on('end', () => resolve(parsed(Buffer.concat(chunks))));
  return undefined;
}

function parsed(content: Buffer): DecisionAnswer {
  try {
    return { answer: JSON.parse(content.toString('utf8')) as unknown };
  } catch {
    return { failure: 'not JSON' };
  }
}

/** Tells the log once that a decision point is away, and once that it is back. */
function outageReporter(log: Logger): (endpoint: string, failure: string | undefined) => void {
  const away = new Set<string>();
  return (endpoint, failure) => {
    if (failure === undefined) {
      if (away.delete(endpoint)) log.info('the decision point answers again', { endpoint });
    } else if (!away.has(endpoint)) {
      away.add(endpoint);
      log.warn('the decision point gives no usable answer', { endpoint, failure });
    }
  };
}
