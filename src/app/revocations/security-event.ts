import type { LedgerRow } from '../ports/ledger.ts';

/** CAEP 1.0 §3.1: what rested on the subject has ended. */
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
/** Our own name for the same event, with the row of the ledger: for receivers that check tokens by handles. */
export const HANDLE_REVOKED = 'urn:taskgrant:secevent:event-type:handle-revoked';

/** `jti` of the security event token for a row: the same whenever it is told. */
export function eventId({ seq }: Pick<LedgerRow, 'seq'>): string {
  return `rev-${seq}`;
}

/**
 * The claims of a security event token (RFC 8417) as SSF 1.0 §4 profiles them: no `sub`, no `exp`, `sub_id` for the
 * subject. Two names of one event, as SSF 1.0 §4.2.1 allows: receivers ignore the one that they do not know.
 */
export function securityEvent(
  row: LedgerRow,
  { issuer, audience, now }: { readonly issuer: string; readonly audience: string; readonly now: number },
): Readonly<Record<string, unknown>> {
  const happened = { event_timestamp: Math.floor(row.at / 1000) };
  const { seq, kind, handle, epoch } = row;
  return {
    iss: issuer,
    aud: audience,
    iat: Math.floor(now / 1000),
    jti: eventId(row),
    txn: eventId(row),
    sub_id: subjectOf(row, issuer),
    events: {
      [SESSION_REVOKED]: happened,
      [HANDLE_REVOKED]: { ...happened, seq, kind, handle, epoch },
    },
  };
}

/** RFC 9493 §3.2, and SSF 1.0 §3.5.1 for the `jti` of a token; handles of tasks and grants mean nothing elsewhere. */
function subjectOf({ kind, handle }: LedgerRow, issuer: string): Readonly<Record<string, string>> {
  switch (kind) {
    case 'agent':
    case 'user':
      return { format: 'iss_sub', iss: issuer, sub: handle };
    case 'token':
    case 'token_self':
      return { format: 'jwt_id', iss: issuer, jti: handle };
    case 'task':
    case 'grant':
      return { format: 'opaque', id: `${kind}:${handle}` };
  }
}
