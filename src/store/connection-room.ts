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
 * somebody for each connection that it cannot have. While none is lent, nor was being made at the same moment, there is
 * nothing to wait for. Each attempt is bounded by itself (connecting-sockets.ts).
 */
export function waitForRoom(db: Pick<Knex, 'client'>): void {
  const pool = db.client.pool as Pool;
  // After 30 s the pool would fail somebody, and make another connection beside the one that goes on waiting for room.
  pool.createTimeoutMillis = NEVER_MS;
  aroundConnecting(db, async (connect) => {
    for (let again = false; ; again = true) {
      try {
        return await connect();
      } catch (error) {
        const hopeless = pool.numPendingAcquires() === 0 || (again && pool.numUsed() === 0);
        if (hopeless || (error as { code?: unknown }).code !== TOO_MANY) throw error;
      }
      await setTimeout(LOOK_AGAIN_MS);
    }
  });
}
