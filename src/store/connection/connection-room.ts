import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { aroundConnecting } from './around-connecting.ts';

/** PostgreSQL, appendix A: too_many_connections, of the server or of the role. */
const TOO_MANY = '53300';
const LOOK_AGAIN_MS = 200;
/** The longest that a timer takes. */
const NEVER_MS = 2 ** 31 - 1;

/** What knex's pool says of itself. */
interface Pool {
  createTimeoutMillis: number;
  numUsed(): number;
  numPendingAcquires(): number;
}

/**
 * Where PostgreSQL has no room for one more connection, whoever waits gets one that others give back; the pool would fail
 * somebody for each connection that it cannot have. While none is lent, nor is being made since the last look, there is
 * nothing to wait for. Each attempt is bounded by itself (connecting-sockets.ts).
 */
export function waitForRoom(db: Pick<Knex, 'client'>): void {
  const pool = db.client.pool as Pool;
  // After 30 s the pool would fail somebody, and make another connection beside the one that goes on waiting for room.
  pool.createTimeoutMillis = NEVER_MS;
  const underWay = new Set<object>();
  aroundConnecting(db, async (connect) => {
    let earlier: readonly object[] | undefined;
    for (;;) {
      const attempt = {};
      underWay.add(attempt);
      try {
        const connection = await connect();
        // Until it is lent, for which it is prepared first.
        void setTimeout(LOOK_AGAIN_MS, undefined, { ref: false }).then(() => underWay.delete(attempt));
        return connection;
      } catch (error) {
        underWay.delete(attempt);
        const awaited = !earlier || pool.numUsed() > 0 || earlier.some((one) => underWay.has(one));
        const hopeless = pool.numPendingAcquires() === 0 || !awaited;
        if (hopeless || (error as { code?: unknown }).code !== TOO_MANY) throw error;
      }
      earlier = [...underWay];
      await setTimeout(LOOK_AGAIN_MS);
    }
  });
}
