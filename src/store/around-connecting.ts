import type { Knex } from 'knex';

/** What knex's client has beside its documented interface. */
interface Client {
  acquireRawConnection(): Promise<unknown>;
}

/** Puts something around how knex makes a connection to the database. */
export function aroundConnecting(
  { client }: Pick<Knex, 'client'>,
  around: (connect: () => Promise<unknown>) => Promise<unknown>,
): void {
  const connect = client.acquireRawConnection.bind(client) as Client['acquireRawConnection'];
  client.acquireRawConnection = () => around(connect);
}
