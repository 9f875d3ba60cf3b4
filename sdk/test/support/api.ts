import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an API saw of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An API on a port of its own that answers as it is told and remembers what it saw. */
export interface RunningApi {
  readonly origin: string;
  readonly seen: SeenRequest[];
  stop(): Promise<void>;
}

export async function startApi(
  answer: (request: SeenRequest, response: ServerResponse, count: number) => void | Promise<void>,
): Promise<RunningApi> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const one = { method, url, headers, body };
      seen.push(one);
      Promise.resolve(answer(one, response, seen.length)).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
