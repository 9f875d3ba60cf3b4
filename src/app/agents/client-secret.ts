import type { AppContext } from '../context.ts';
import type { ClientSecret } from '../unit-of-work.ts';

/** A secret that is shown once: `value` leaves with the answer, only its digest is kept. */
export interface MintedSecret {
  readonly value: string;
  readonly secret: ClientSecret;
}

/** Whether the value is one of the secrets that are valid now. */
export function isSecretOf(
  { digests, clock }: Pick<AppContext, 'digests' | 'clock'>,
  secrets: readonly ClientSecret[],
  presented: string,
): boolean {
  const now = clock.now();
  const digest = digests.sha256(presented);
  const valid = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  // Every candidate is compared: the time says nothing about which one matched.
  return valid.map((secret) => digests.equal(secret.digest, digest)).includes(true);
}

/** `tgs_` and 256 random bits in base64url: clients that forget to form-encode Basic credentials still work (T8). */
export function mintClientSecret(context: AppContext, clientId: string): MintedSecret {
  const value = `tgs_${context.ids.secret()}`;
  return { value, secret: clientSecretOf(context, clientId, value) };
}

export function clientSecretOf(
  { ids, digests, clock }: Pick<AppContext, 'ids' | 'digests' | 'clock'>,
  clientId: string,
  value: string,
): ClientSecret {
  return { id: ids.next(), clientId, digest: digests.sha256(value), createdAt: clock.now(), expiresAt: null };
}
