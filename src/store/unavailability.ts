import { UnavailableError } from '../app/unavailable.ts';

/**
 * PostgreSQL (appendix A of its manual): connections refused, lost or ended, a server that starts, stops or only reads,
 * a lack of anything, statements and transactions that took too long.
 */
const POSTGRES = /^(08...|28...|3D000|53...|57P0[1-5]|57014|55P03|25P0[34]|25006|58...)$/;
/** Conflicts between transactions; what meets one again when it is repeated may succeed later. */
const POSTGRES_CONFLICT = /^(40001|40P01)$/;
/** The embedded database: locked by another process, a full or failing disk, a file that cannot be written. */
const SQLITE = /^SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|PROTOCOL)(_|$)/;
const SYSTEM =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What drivers and pool say without a code. */
const MESSAGE =
  /connection terminated|connection error and is not queryable|client was closed|connection ended|timeout (expired|acquiring)|operation timed out/i;

/** Whether the database was away or too slow, so that everything else fails at the moment, too. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof UnavailableError) return true;
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (POSTGRES.test(code) || SQLITE.test(code) || SYSTEM.test(code)) return true;
  return error.name === 'KnexTimeoutError' || error.name === 'TimeoutError' || MESSAGE.test(error.message);
}

/** What leaves the store: whatever may succeed when it is repeated is `UnavailableError`. */
export function unavailableOr(error: unknown): unknown {
  if (error instanceof UnavailableError) return error;
  const conflict = error instanceof Error && 'code' in error && POSTGRES_CONFLICT.test(String(error.code));
  if (!conflict && !isUnavailable(error)) return error;
  return new UnavailableError('database_unavailable', `the database failed: ${String(error)}`, {
    cause: error,
  });
}

/** Another process holds the write lock of the embedded database. Nothing has been written. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_BUSY(_|$)/.test(String(error.code));
}
