import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** One request that a receiver got. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is expected of a body is stated by each assertion
  readonly body: any;
  readonly at: number;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** How many requests it had open at the same time. */
  readonly mostAtOnce: () => number;
  /** What is answered from now on; 204 at first. */
  answer(how: Answering): void;
  /** Waits until there are as many that fit. @throws Error with what there is after `ms` milliseconds. */
  until(count: number, fits?: (one: Received) => boolean, ms?: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

export type Answering = (request: Received, response: ServerResponse, nth: number) => void;

/** A real receiver on a free port of this machine, at one address or, with `0.0.0.0`, at all. */
export async function startReceiver(at = '127.0.0.1'): Promise<Receiver> {
  const received: Received[] = [];
  let answering: Answering = (_request, response) => void response.writeHead(204).end();
  let open = 0;
  let mostAtOnce = 0;
  const server = createServer((request, response) => {
    open += 1;
    mostAtOnce = Math.max(mostAtOnce, open);
    response.once('close', () => (open -= 1));
    void readAll(request).then((text) => {
      const { url: path = '', headers } = request;
      const one = { path, headers, text, body: JSON.parse(text), at: Date.now() };
      received.push(one);
      answering(one, response, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, at, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    mostAtOnce: () => mostAtOnce,
    answer: (how) => void (answering = how),
    async until(count, fits = () => true, ms = 10_000) {
      for (const late = Date.now() + ms; ; await setTimeout(15)) {
        const found = received.filter(fits);
        if (found.length >= count) return found;
        if (Date.now() > late) throw new Error(`${found.length} of ${count} arrived: ${typesOf(received)}`);
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function status(code: number, headers: Record<string, string> = {}, body = ''): Answering {
  return (_request, response) => void response.writeHead(code, headers).end(body);
}

function typesOf(received: readonly Received[]): string {
  return received.map(({ body }) => `${body.type} of ${body.data.agent_id}`).join(', ');
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
