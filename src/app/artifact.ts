/** A record of the OAuth engine (session, interaction, code, consent, pushed request, replay id …). */
export interface Artifact {
  readonly model: string;
  /** Already digested by the caller: the store never sees a value that is accepted as a credential. */
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly grantId: string | null;
  readonly uid: string | null;
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly consumedAt: number | null;
  /** Milliseconds since the epoch; null = kept. */
  readonly expiresAt: number | null;
}
