import { type HandleKind, LEDGER_MARGIN_MS } from '../../domain/revocation.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { LedgerEntry } from '../unit-of-work.ts';

interface Entry {
  readonly kind: HandleKind;
  readonly handle: string;
  readonly epoch?: number;
  readonly reason: string | null;
  /** When the last task that depends on the handle ends at the latest; absent = the longest task there can be. */
  readonly expiresAt?: number;
}

/** One row for the ledger. */
export function revocationOf(
  context: Pick<AppContext, 'clock' | 'settings'>,
  caller: Caller,
  entry: Entry,
): LedgerEntry {
  const at = context.clock.now();
  const longest =
    at + Math.max(context.settings.limits.taskMaxSeconds, context.settings.limits.codeTaskSeconds) * 1000;
  return {
    kind: entry.kind,
    handle: entry.handle,
    epoch: entry.epoch ?? 0,
    reason: entry.reason,
    actor: caller.actor,
    at,
    expiresAt: Math.max(entry.expiresAt ?? longest, at) + LEDGER_MARGIN_MS,
    outlivesAll: entry.expiresAt === undefined,
  };
}
