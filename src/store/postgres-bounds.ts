import type { Socket } from 'node:net';
import type { PostgresConnection } from './statement-reuse.ts';

/** Time for an answer to travel, on top of the time that the server may take for it. */
export const NETWORK_MS = 500;

/** What PostgreSQL itself ends in time: statements, waits for locks included, and transactions that go silent. */
export function boundsOf(timeoutMs: number) {
  return { statement_timeout: timeoutMs, idle_in_transaction_session_timeout: 2 * timeoutMs };
}

interface PgClient {
  readonly readyForQuery: boolean;
  readonly connection: { readonly stream: Socket };
}

/**
 * A server that does not even say that a statement took too long has gone, or the network has: the connection is cut,
 * which fails whatever waits on it, and the pool makes another. `readyForQuery` is how `pg` knows that nothing waits.
 */
export function cutWhenSilent(connection: PostgresConnection, silentMs: number): void {
  const { connection: wire } = connection as unknown as PgClient;
  wire.stream.setTimeout(silentMs, () => {
    if (!(connection as unknown as PgClient).readyForQuery) {
      wire.stream.destroy(new Error(`connection terminated: no answer within ${silentMs} milliseconds`));
    }
  });
}
