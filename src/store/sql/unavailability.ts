import { UnavailableError } from '../../domain/unavailable.ts';

/**
 * PostgreSQL (appendix A of its manual): connections refused, lost or ended, a server that starts, stops or only reads,
 * a lack of anything, statements and transactions that took too long.
 */
const POSTGRES = /^(08...|28...|3D000|53...|57P0[1-5]|57014|55P03|25P0[34]|25006|58...)$/;
/** Conflicts between transactions; what meets one again when it is repeated may succeed later. */
const POSTGRES_CONFLICT = /^(40001|40P01)$/;
/** The embedded database: locked by another process, a full or failing disk, a file that cannot be written. */
const SQLITE = /^SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|PROTOCOL)(_|$)/;
/** Refused or lost, no socket in the file system, no such name, no way, no room for one more connection. */
const SYSTEM =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOENT|ENOTFOUND|EAI_\w+|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|E[MN]FILE)$/;
/** What drivers and pool say without a code. */
const MESSAGE =
  /connection terminated|connection error and is not queryable|client was closed|connection ended|timeout (expired|acquiring)|operation timed out/i;

/** Carried by what failed while a connection was made. */
const OF_CONNECTING = Symbol('of connecting');

/** Marks why there is no connection: whatever the database, a pooler or a check of ours has against it. */
export function ofConnecting<E extends object>(error: E): E {
  return Object.assign(error, { [OF_CONNECTING]: true });
}

/** Errors are known by what they carry, not by their class: native drivers bring classes of their own. */
interface Failure {
  readonly code: string;
  readonly name: string;
  readonly message: string;
}

function failureOf(error: unknown): Failure {
  const { code, name, message } = (error ?? {}) as Partial<Record<keyof Failure, unknown>>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { code: text(code), name: text(name), message: text(message) };
}

/** Whether the database was away or too slow, so that everything else fails at the moment, too. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof UnavailableError || Object.hasOwn(Object(error), OF_CONNECTING)) return true;
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  const { code, name, message } = failureOf(error);
  if (POSTGRES.test(code) || SQLITE.test(code) || SYSTEM.test(code)) return true;
  return name === 'KnexTimeoutError' || name === 'TimeoutError' || MESSAGE.test(message);
}

/** Whether the database was too slow rather than away. Whoever has waited for that long needs no second attempt. */
export function isTimeout(error: unknown): boolean {
  const { code, name } = failureOf(error);
  return name === 'KnexTimeoutError' || /^(57014|55P03)$/.test(code) || isLocked(error);
}

/** What leaves the store: whatever may succeed when it is repeated is `UnavailableError`. */
export function unavailableOr(error: unknown): unknown {
  if (error instanceof UnavailableError) return error;
  if (!POSTGRES_CONFLICT.test(failureOf(error).code) && !isUnavailable(error)) return error;
  return new UnavailableError('database_unavailable', `the database failed: ${String(error)}`, {
    cause: error,
  });
}

/** Another process holds the write lock of the embedded database. Nothing has been written. */
export function isLocked(error: unknown): boolean {
  return /^SQLITE_BUSY(_|$)/.test(failureOf(error).code);
}
