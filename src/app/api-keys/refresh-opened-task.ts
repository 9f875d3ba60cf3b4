import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { decideOnRegistry } from '../decide-on-registry.ts';
import type { Issued } from '../issuance/issuance.ts';
import { refreshTask } from '../issuance/refresh-task.ts';
import { type ResolvedToken, resolveToken } from '../tokens/resolve-token.ts';
import { agentOfKey } from './open-by-api-key.ts';

/**
 * A refresh token that may be used without client authentication: only those of tasks that an API key opened.
 * INVARIANT: a refresh token of an OAuth client is nothing here, whoever holds it.
 */
export async function findOpenedRefreshToken(
  context: AppContext,
  value: string,
): Promise<ResolvedToken | undefined> {
  const found = await resolveToken(context, value);
  return found?.token.kind === 'refresh' && found.task.origin === 'api_key' ? found : undefined;
}

export interface RefreshOpenedCommand {
  readonly caller: Caller;
  readonly refreshToken: string;
  readonly found: ResolvedToken;
  readonly codeVerifier: string | undefined;
  readonly keyThumbprint: string | undefined;
}

/**
 * Rotates the refresh token of a task that an API key opened, by its verifier or key if it has one. Without either
 * the token works exactly once, and a replay ends the task's family (ADR 19).
 * @throws DomainError what refreshTask refuses.
 */
export function refreshOpenedTask(context: AppContext, command: RefreshOpenedCommand): Promise<Issued> {
  const { caller, refreshToken, found, codeVerifier, keyThumbprint } = command;
  const answer = codeVerifier === undefined ? undefined : context.digests.sha256(codeVerifier);
  return decideOnRegistry(context, async (deciding) =>
    refreshTask(deciding, {
      caller,
      agent: await agentOfKey(deciding, found.token.clientId),
      publicClient: false,
      refreshToken,
      request: { answer, keyThumbprint },
      resources: [],
      detailed: false,
      refreshAllowed: true,
    }),
  );
}
