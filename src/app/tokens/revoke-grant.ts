import type { AuditEventType } from '../../domain/audit-event.ts';
import type { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { Change, LedgerEntry } from '../unit-of-work.ts';
import { revocationOf } from './revocation-entry.ts';

export interface RevokeGrantCommand {
  readonly caller: Caller;
  /** Handle of an authorization or refresh family (R3). */
  readonly grant: string;
  readonly reason: string | null;
  /** Whose approval it was, and for which client, where that is known. */
  readonly userId?: string | null;
  readonly clientId?: string | null;
  readonly type: Extract<AuditEventType, 'token_replayed' | 'consent_revoked'>;
  /** Refuses an authorization that has been ended already, where that matters. */
  readonly ended?: DomainError | null;
}

/** Ends an authorization and everything derived from it, in a unit of its own that survives a refusal (R14). */
export async function revokeGrant(
  context: AppContext,
  { caller, grant, reason, type, userId, clientId, ended = null }: RevokeGrantCommand,
): Promise<void> {
  const entry = revocationOf(context, caller, { kind: 'grant', handle: grant, reason });
  await context.store.commit(
    unitOf(context, caller, endingOf(entry, ended), {
      type,
      outcome: type === 'token_replayed' ? 'refused' : 'success',
      userId,
      clientId,
      reason,
      details: { grant },
    }),
  );
}

/** Ends an authorization in the ledger, and takes what the engine keeps of it: nobody is shown it as a consent any more. */
export function endingOf(entry: LedgerEntry, ended: DomainError | null = null): Change[] {
  const { handle: grant } = entry;
  return [
    { do: 'revoke', entry },
    { do: 'delete_artifact', model: 'Grant', id: grant, miss: ended },
    { do: 'delete_artifacts_of_grant', grant },
  ];
}
