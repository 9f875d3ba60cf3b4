import { z } from 'zod';
import type { ViewedToken } from '../../app/tokens/search-tokens.ts';
import { formatScope } from '../../domain/scope.ts';
import { iso, isoOrNull, isoTime } from '../fields.ts';

/** A token as administrators see it; its value is nowhere. */
export const TokenRow = z
  .object({
    token_id: z.string(),
    client_id: z.string(),
    subject: z.string(),
    kind: z.enum(['access', 'refresh', 'handoff']),
    audience: z.string().nullable(),
    scope: z.string(),
    granted_tools: z.array(z.string()),
    granted_resources: z.array(z.string()),
    task_id: z.string(),
    parent_task_id: z.string().nullable(),
    parent_token_id: z.string().nullable(),
    task_description: z.string(),
    issued_at: isoTime,
    expires_at: isoTime,
    is_revoked: z.boolean().meta({ description: 'The token or anything it depends on was revoked.' }),
    is_valid: z.boolean(),
    revoked_at: isoTime.nullable().meta({ description: 'When the token itself was revoked.' }),
    revocation_reason: z.string().nullable(),
    revoked_through: z.enum(['token', 'token_self', 'task', 'grant', 'agent', 'user']).nullable().meta({
      description: 'What was revoked: the token, its task or an ancestor, its grant, agent or user.',
    }),
  })
  .meta({ id: 'Token' });

export function tokenRow({
  token,
  task,
  revocation,
  isRevoked,
  isValid,
}: ViewedToken): z.input<typeof TokenRow> {
  return {
    token_id: token.tokenId,
    client_id: token.clientId,
    subject: token.subject,
    kind: token.kind,
    audience: token.audience,
    scope: formatScope(token.scope),
    granted_tools: [...token.tools],
    granted_resources: [...token.resources],
    task_id: token.taskId,
    parent_task_id: token.parentTaskId,
    parent_token_id: token.parentTokenId,
    task_description: task?.description ?? '',
    issued_at: iso(token.issuedAt),
    expires_at: iso(token.expiresAt),
    is_revoked: isRevoked,
    is_valid: isValid,
    revoked_at: isoOrNull(token.revokedAt),
    revocation_reason: token.revocationReason,
    revoked_through: revocation?.kind ?? null,
  };
}
