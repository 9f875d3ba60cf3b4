import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A network that ends connections in the middle of whatever is being said. */
export interface CuttingProxy {
  readonly url: string;
  /** How many connections were cut so far. */
  readonly cuts: number;
  /** Cuts from now on, until it is healed. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

/** After so many bytes, of both directions, a connection is cut: mostly few, sometimes many. */
function someBytes(): number {
  return Math.floor(500 * 2 ** (Math.random() * 9));
}

export async function startCuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let cutting = false;
  let cuts = 0;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let left = someBytes();
    const cut = () => {
      cuts += 1;
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        const known = left;
        left -= chunk.length;
        if (!cutting || left > 0) return void to.write(chunk);
        // What was sent before the cut still arrives.
        to.write(chunk.subarray(0, Math.max(0, known)), cut);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    get cuts() {
      return cuts;
    },
    cut() {
      cutting = true;
    },
    heal() {
      cutting = false;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
