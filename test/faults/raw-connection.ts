import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** One connection, written to by hand. */
export interface RawConnection {
  write(text: string): void;
  /** The whole answers so far: status, headers as text, body. */
  answers(): { status: number; head: string; body: string }[];
  /** Waits until there are so many. @throws Error when they do not come in time. */
  answered(count: number): Promise<void>;
  /** Resolves when the server has ended the connection: in order, or not. */
  readonly ended: Promise<'in order' | 'reset'>;
}

const PATIENCE_MS = 10_000;

/** @throws Error with `code` when nobody listens. */
export async function connectRaw(address: string): Promise<RawConnection> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  await once(socket, 'connect');
  const ended = new Promise<'in order' | 'reset'>((resolve) => {
    socket.once('end', () => resolve('in order'));
    socket.once('error', () => resolve('reset'));
  });
  const answers = () => wholeAnswers(received);
  return {
    write: (text) => void socket.write(text),
    answers,
    async answered(count) {
      for (const late = Date.now() + PATIENCE_MS; answers().length < count; await setTimeout(10)) {
        if (Date.now() > late) throw new Error(`answers so far: ${received}`);
      }
    },
    ended,
  };
}

/** Of answers with a Content-Length. */
function wholeAnswers(text: string) {
  const found: { status: number; head: string; body: string }[] = [];
  for (let rest = text; ; ) {
    const [head = '', ...others] = rest.split('\r\n\r\n');
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? Number.NaN);
    const body = others.join('\r\n\r\n');
    if (others.length === 0 || Number.isNaN(length) || body.length < length) return found;
    found.push({ status: Number(head.split(' ', 2)[1]), head, body: body.slice(0, length) });
    rest = body.slice(length);
  }
}

/** A request as text, in two parts: the second is the end of its body. */
export function rawPost(path: string, headers: Record<string, string>, form: URLSearchParams) {
  const body = form.toString();
  const lines = Object.entries({
    host: '127.0.0.1',
    ...headers,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  const whole = head + body;
  return { whole, begin: whole.slice(0, -10), end: whole.slice(-10), head };
}
