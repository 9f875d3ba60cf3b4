import type { ApiKey } from '../../domain/api-key.ts';
import { DomainError } from '../../domain/errors.ts';
import { type AgentVisitor, requireVisitor } from '../agents/own-agent.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { type EndedTasks, endOpenedTasks } from './end-opened-tasks.ts';
import { findApiKey } from './find-api-key.ts';

export interface RevokeApiKeyCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly keyId: string;
  readonly visitor: AgentVisitor;
}

export interface RevokedApiKey {
  readonly key: ApiKey;
  readonly ended: EndedTasks;
}

/**
 * Ends a key, then everything that it opened: nothing new can be opened by then, so nothing is missed. Revoking never
 * needs more than a token of the agent (R7). Revoked again, it ends what is left.
 * @throws DomainError `not_found`, `forbidden`.
 */
export async function revokeApiKey(
  context: AppContext,
  command: RevokeApiKeyCommand,
): Promise<RevokedApiKey> {
  const { caller, clientId, keyId, visitor } = command;
  requireVisitor(visitor, clientId);
  const key = await findApiKey(context, command);
  const revoked = key.revokedAt === null ? await end(context, caller, key) : key;
  const ended = await endOpenedTasks(context, { caller, of: { keyId }, reason: 'the API key was revoked' });
  return { key: revoked, ended };
}

async function end(context: AppContext, caller: Caller, key: ApiKey): Promise<ApiKey> {
  const { keyId, clientId, name } = key;
  const at = context.clock.now();
  const miss = new DomainError('conflict', 'the key was changed meanwhile: try again');
  await context.store.commit(
    unitOf(
      context,
      caller,
      [{ do: 'end_api_key', keyId, expiresAt: at, revokedAt: at, replacedBy: null, at, miss }],
      { type: 'api_key_revoked', clientId, details: { key_id: keyId, name } },
    ),
  );
  return { ...key, expiresAt: Math.min(at, key.expiresAt ?? at), revokedAt: at };
}
