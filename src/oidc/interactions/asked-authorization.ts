import { IDENTITY_SCOPES, rightsOf } from '../../domain/identity-scope.ts';
import type { AppContext } from '../../app/context.ts';
import type { Scope } from '../../domain/scope.ts';
import type { TaskRequest } from '../../domain/task-request.ts';
import { parentTokenId } from '../authorization-request.ts';
import { type Params, readTaskParameters } from '../task-parameters.ts';

/** What an authorization request asks for, in the terms of the task engine. */
export interface AskedAuthorization {
  /** Scopes of OpenID Connect: the engine's own business. */
  readonly identity: Scope;
  readonly rights: Scope;
  /** In their registered spelling; empty for a request that asks for identity alone. */
  readonly audiences: readonly string[];
  /** Without scope, audiences and challenge: those are decided by consent. */
  readonly request: TaskRequest;
  readonly detailed: boolean;
  readonly parentTokenId: string | null;
  readonly codeChallenge: string;
}

/** Reads the parameters that the engine kept; they were checked at the authorization endpoint (R11). */
export function readAsked({ digests }: Pick<AppContext, 'digests'>, stored: Params): AskedAuthorization {
  const { code_challenge: codeChallenge, code_challenge_method: _method, ...params } = stored;
  const parsed = readTaskParameters(params, { sha256: digests.sha256 });
  const { scope = [], ...request } = parsed.request;
  return {
    identity: scope.filter((right) => IDENTITY_SCOPES.includes(right)),
    rights: rightsOf(scope),
    audiences: parsed.resources,
    request,
    detailed: parsed.detailed,
    parentTokenId: parentTokenId(params.parent_token),
    codeChallenge: String(codeChallenge ?? ''),
  };
}
