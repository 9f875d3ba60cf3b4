import { z } from 'zod';
import type { RotatedSecret } from '../../app/agents/rotate-secret.ts';
import { iso, isoTime } from '../fields.ts';

/** A new client secret, shown this once. */
export const SecretRow = z.object({
  client_id: z.string(),
  client_secret: z.string(),
  old_secrets_expire_at: isoTime.meta({ description: 'Until then the replaced secrets work too.' }),
});

export function secretRow({ clientId, clientSecret, oldSecretsExpireAt }: RotatedSecret) {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    old_secrets_expire_at: iso(oldSecretsExpireAt),
  };
}
