import type { Knex } from 'knex';
import { aroundConnecting } from './around-connecting.ts';

/**
 * Where a name stands for several addresses, as `localhost` does, Node fails with an error for each of them and no words
 * of its own: a start would end with an empty line.
 */
export function sayWhyUnreachable(db: Pick<Knex, 'client'>): void {
  aroundConnecting(db, async (connect) => {
    try {
      return await connect();
    } catch (error) {
      if (isOfSeveral(error)) error.message ||= error.errors.map(({ message }) => message).join(', ');
      throw error;
    }
  });
}

/** An `AggregateError`, known by what it carries. */
function isOfSeveral(error: unknown): error is { message: string; readonly errors: readonly Error[] } {
  return Array.isArray((error as { errors?: unknown }).errors);
}
