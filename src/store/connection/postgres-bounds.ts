import type { Socket } from 'node:net';
import type { PostgresConnection } from './statement-reuse.ts';
import { shareOf } from '../sql/transaction.ts';

/** What PostgreSQL itself ends in time: statements, waits for locks included. */
export function boundsOf(timeoutMs: number) {
  const stepMs = shareOf(timeoutMs, 'step');
  return {
    stepMs,
    /** After this without a sign of life the connection is given up. */
    silentMs: 2 * stepMs,
    settings: { statement_timeout: stepMs },
  };
}

/** What `pg` has beside its documented interface. */
export interface PgClient {
  readonly readyForQuery: boolean;
  readonly connection: { readonly stream: Socket };
}

/**
 * A server that does not even say that a statement took too long has gone, or the network has: the connection is cut,
 * which fails whatever waits on it, and the pool makes another. `readyForQuery` is how `pg` knows that nothing waits.
 */
export function cutWhenSilent(connection: PostgresConnection, silentMs: number): void {
  const { connection: wire } = connection as unknown as PgClient;
  wire.stream.setTimeout(silentMs);
  // Not as the argument above: that one is called once, and the first time is when the connection idles.
  wire.stream.on('timeout', () => {
    if (!(connection as unknown as PgClient).readyForQuery) {
      wire.stream.destroy(new Error(`connection terminated: no answer within ${silentMs} milliseconds`));
    }
  });
}
