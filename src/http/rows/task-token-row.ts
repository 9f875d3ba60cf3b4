import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import type { Issued } from '../../app/issuance/issuance.ts';
import { formatScope } from '../../domain/scope.ts';

/** The tokens of a task as they leave, this once (RFC 6749 §5.1). */
export const TaskTokenRow = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  token_type: z.enum(['Bearer', 'DPoP']),
  expires_in: z.int().meta({ description: 'Seconds.' }),
  scope: z.string(),
  token_id: z.string(),
  task_id: z.string(),
  task_expires_in: z.int().meta({ description: 'Seconds until the task ends; no refresh goes beyond.' }),
  verifier_bound: z.boolean(),
});

export function taskTokenRow(
  { clock }: Pick<AppContext, 'clock'>,
  { task, access, refresh }: Issued,
): z.input<typeof TaskTokenRow> {
  const { token, value } = access;
  const secondsTo = (at: number) => Math.floor((at - clock.now()) / 1000);
  return {
    access_token: value,
    ...(refresh ? { refresh_token: refresh.value } : {}),
    token_type: token.keyThumbprint === null ? 'Bearer' : 'DPoP',
    expires_in: secondsTo(token.expiresAt),
    scope: formatScope(token.scope),
    token_id: token.tokenId,
    task_id: task.taskId,
    task_expires_in: secondsTo(task.expiresAt),
    verifier_bound: task.codeChallenge !== null,
  };
}
