import type { AppContext } from '../context.ts';
import type { ClientSecret } from '../unit-of-work.ts';

/** A secret that is shown once: `value` leaves with the answer, only its digest is kept. */
export interface MintedSecret {
  readonly value: string;
  readonly secret: ClientSecret;
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
