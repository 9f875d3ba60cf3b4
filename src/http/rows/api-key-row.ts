import { z } from 'zod';
import { type ApiKey, apiKeyState } from '../../domain/api-key.ts';
import { iso, isoOrNull, isoTime } from '../fields.ts';

/** An API key as it is shown; its value is nowhere. */
export const ApiKeyRow = z
  .object({
    key_id: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'What the value begins with, up to the secret.' }),
    state: z.enum(['active', 'replaced', 'expired', 'revoked']),
    created_at: isoTime,
    expires_at: isoTime.nullable().meta({ description: 'null = does not expire.' }),
    last_used_at: isoTime.nullable().meta({ description: 'To the minute.' }),
    revoked_at: isoTime.nullable(),
    replaced_by: z.string().nullable().meta({ description: 'Id of the key that a rotation made.' }),
  })
  .meta({ id: 'ApiKey' });

export function apiKeyRow(key: ApiKey, now: number): z.input<typeof ApiKeyRow> {
  return {
    key_id: key.keyId,
    name: key.name,
    prefix: `tg_${key.prefix}`,
    state: apiKeyState(key, now),
    created_at: iso(key.createdAt),
    expires_at: isoOrNull(key.expiresAt),
    last_used_at: isoOrNull(key.lastUsedAt),
    revoked_at: isoOrNull(key.revokedAt),
    replaced_by: key.replacedBy,
  };
}
