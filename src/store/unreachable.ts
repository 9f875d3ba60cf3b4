import type { Knex } from 'knex';

/** What knex's client has beside its documented interface. */
interface Client {
  acquireRawConnection(): Promise<unknown>;
}

/**
 * Where a name stands for several addresses, as `localhost` does, Node fails with an error for each of them and no words
 * of its own: a start would end with an empty line.
 */
export function sayWhyUnreachable({ client }: Pick<Knex, 'client'>): void {
  const connect = client.acquireRawConnection.bind(client) as Client['acquireRawConnection'];
  client.acquireRawConnection = async () => {
    try {
      return await connect();
    } catch (error) {
      if (isOfSeveral(error)) error.message ||= error.errors.map(({ message }) => message).join(', ');
      throw error;
    }
  };
}

/** An `AggregateError`, known by what it carries. */
function isOfSeveral(error: unknown): error is { message: string; readonly errors: readonly Error[] } {
  return Array.isArray((error as { errors?: unknown }).errors);
}
