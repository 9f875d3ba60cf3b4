/** What the server signs besides tokens: security event tokens (RFC 8417) and status lists. */
export type StatementType = 'secevent+jwt' | 'statuslist+jwt';

export interface StatementSigner {
  /** A JWT of that `typ`, signed with the current key. */
  sign(type: StatementType, claims: Readonly<Record<string, unknown>>): Promise<string>;
}
