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

/** A connection of `pg` that the pool has not taken yet. */
export interface FreshConnection {
  query(sql: string): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

/** Has each new connection to PostgreSQL prepared before anybody gets it. One for which that fails is ended. */
export function beforeItIsTaken(
  db: Pick<Knex, 'client'>,
  prepare: (connection: FreshConnection) => Promise<unknown>,
): void {
  aroundConnecting(db, async (connect) => {
    const connection = (await connect()) as FreshConnection;
    try {
      await prepare(connection);
    } catch (error) {
      // What the pool does not take it does not end.
      connection.end().catch(() => undefined);
      throw error;
    }
    return connection;
  });
}
