import type { AppContext } from '../../app/context.ts';
import type { TokenCommand } from '../../app/issuance/issuance.ts';
import type { Agent } from '../../domain/agent.ts';
import type { RequestOrigin } from '../../domain/audit-event.ts';
import { type Params, readTaskParameters } from '../task-parameters.ts';

/** A token request whose client has authenticated itself, whoever read it: the engine, or the direct endpoint. */
export interface TokenRequest {
  readonly agent: Agent;
  /** The client authenticated with nothing but its id (`none`). */
  readonly publicClient: boolean;
  /** Whether the client is registered for a grant type. */
  readonly allows: (grantType: string) => boolean;
  readonly params: Params;
  readonly origin: RequestOrigin;
  /** Of the proven DPoP key (RFC 9449), if there was a proof. */
  readonly keyThumbprint: string | undefined;
}

/** Answers the body of the token response. @throws DomainError, the engine's errors */
export type Grant = (context: AppContext, request: TokenRequest) => Promise<Record<string, unknown>>;

/** @throws DomainError for malformed parameters. */
export function commandOf({ digests }: AppContext, request: TokenRequest): TokenCommand {
  const { agent, publicClient, params, origin, keyThumbprint } = request;
  const task = readTaskParameters(params, { sha256: digests.sha256, keyThumbprint });
  return {
    caller: { actor: agent.clientId, origin },
    agent,
    publicClient,
    request: task.request,
    resources: task.resources,
    detailed: task.detailed,
    refreshAllowed: request.allows('refresh_token'),
  };
}

/** A parameter that may be sent once. */
export function soleParam({ params }: TokenRequest, name: string): string | undefined {
  const value = params[name];
  return typeof value === 'string' ? value : undefined;
}
