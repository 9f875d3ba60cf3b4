import { Socket } from 'node:net';
import type { Knex } from 'knex';
import { aroundConnecting } from './around-connecting.ts';

/** Sockets of connections that are being made, in the hands of whoever may have to end them. */
export interface ConnectingSockets {
  /** For the driver, which asks for one before it gives control back. */
  readonly stream: () => Socket;
  take(): Socket | undefined;
}

export function connectingSockets(): ConnectingSockets {
  let made: Socket | undefined;
  return {
    stream: () => (made = new Socket()),
    take() {
      const socket = made;
      made = undefined;
      return socket;
    },
  };
}

/**
 * Ends a connection that is not ready in time: a server that takes it and says nothing, or says nothing more, as a proxy
 * does that hangs or pauses. The driver watches its first steps only, and what the pool gives up would stay open.
 */
export function boundConnecting(
  db: Pick<Knex, 'client'>,
  { sockets, withinMs }: { readonly sockets: ConnectingSockets; readonly withinMs: number },
): void {
  aroundConnecting(db, async (connect) => {
    const connecting = connect();
    const socket = sockets.take();
    const late = setTimeout(() => socket?.destroy(tooLate(socket, withinMs)), withinMs);
    try {
      return await connecting;
    } finally {
      clearTimeout(late);
    }
  });
}

function tooLate(socket: Socket, withinMs: number): Error {
  const what = socket.connecting ? 'it was not accepted' : 'it was accepted, but nothing was answered';
  return new Error(`connection terminated: ${what} within ${withinMs} milliseconds`);
}
