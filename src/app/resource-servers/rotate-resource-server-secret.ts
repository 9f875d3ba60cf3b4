import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findChangeable } from './find-resource-server.ts';
import { type RotatedSecret, replaceSecret } from '../agents/rotate-secret.ts';

export interface RotateResourceServerSecretCommand {
  readonly caller: Caller;
  readonly clientId: string;
  /** End the old secrets at once instead of after the overlap. */
  readonly immediate: boolean;
}

/** @throws DomainError `not_found`, `conflict`. */
export async function rotateResourceServerSecret(
  context: AppContext,
  command: RotateResourceServerSecretCommand,
): Promise<RotatedSecret> {
  const { client } = await findChangeable(context, command);
  return replaceSecret(context, command, client);
}
