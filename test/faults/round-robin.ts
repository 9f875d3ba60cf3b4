import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A load balancer that is never sticky: each request goes to the next node, over a connection of its own. */
export interface RoundRobin {
  readonly issuer: string;
  /** Requests that each node has been given. */
  readonly counts: readonly number[];
  /** From now on requests go to these. */
  to(addresses: readonly string[]): void;
  close(): Promise<void>;
}

export async function startRoundRobin(): Promise<RoundRobin> {
  let nodes: readonly string[] = [];
  let counts: number[] = [];
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const node = nodes[turn % nodes.length];
    if (node === undefined) return void outgoing.writeHead(502).end();
    counts[turn % nodes.length] = (counts[turn % nodes.length] ?? 0) + 1;
    turn += 1;
    pass(incoming, outgoing, node);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get counts() {
      return counts;
    },
    to(addresses) {
      nodes = addresses;
      counts = addresses.map(() => 0);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, node: string): void {
  const { method, url = '/', headers } = incoming;
  const onward = request(new URL(url, node), { method, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  onward.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
  incoming.pipe(onward);
}
