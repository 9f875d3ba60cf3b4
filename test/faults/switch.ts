import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** An address that stands for one database after another, as a name or a balancer does in a failover. */
export interface Switch {
  readonly url: string;
  /** From now on it stands for that one; connections to the one before are cut. */
  to(databaseUrl: string): void;
  close(): Promise<void>;
}

export async function startSwitch(databaseUrl: string): Promise<Switch> {
  const sockets = new Set<Socket>();
  let target = new URL(databaseUrl);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const ways = [[client, upstream] as const, [upstream, client] as const];
    for (const [from, to] of ways) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    to(next) {
      target = new URL(next);
      cut();
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
