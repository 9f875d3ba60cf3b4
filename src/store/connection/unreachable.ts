import type { Knex } from 'knex';
import { aroundConnecting } from './around-connecting.ts';
import { ofConnecting } from '../sql/unavailability.ts';

/** What knex's client has beside its documented interface. */
interface Client {
  acquireConnection(): Promise<unknown>;
  readonly pool: { numUsed(): number };
}

/**
 * Says of what and where, when there is no connection to be had: drivers say little, Node has no words of its own where
 * a name stands for several addresses, as `localhost` does, and the pool blames whoever asks.
 * @param database such as `PostgreSQL at db.example:5432`.
 */
export function sayWhyUnreachable(db: Pick<Knex, 'client'>, database: string): void {
  aroundConnecting(db, async (connect) => {
    try {
      return await connect();
    } catch (error) {
      if (isOfSeveral(error)) error.message ||= error.errors.map(({ message }) => message).join(', ');
      throw named(error, database);
    }
  });
  const client = db.client as Client;
  const acquire = client.acquireConnection.bind(client);
  client.acquireConnection = async () => {
    const began = performance.now();
    try {
      return await acquire();
    } catch (error) {
      if (isOfPool(error)) {
        const ms = Math.round(performance.now() - began);
        error.message = `${database}: ${waited(client.pool.numUsed(), ms)}`;
      }
      throw error;
    }
  };
}

function waited(used: number, ms: number): string {
  if (used === 0) return `no connection could be made within ${ms} milliseconds`;
  return `no connection was free within ${ms} milliseconds, ${used} were in use`;
}

/** Errors are known by what they carry, not by their class. */
interface Failure {
  message: string;
  readonly name?: string;
}

function named(error: unknown, database: string): unknown {
  const failure = error as Failure;
  if (!failure.message.startsWith(database)) failure.message = `${database}: ${failure.message}`;
  return ofConnecting(failure);
}

/** An `AggregateError`. */
function isOfSeveral(error: unknown): error is Failure & { readonly errors: readonly Error[] } {
  return Array.isArray((error as { errors?: unknown }).errors);
}

function isOfPool(error: unknown): error is Failure {
  return (error as Failure).name === 'KnexTimeoutError';
}
