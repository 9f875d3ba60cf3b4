import { DomainError } from '../../domain/errors.ts';
import { requireSameProcess } from '../../domain/verifier.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import { unknownAgent } from './find-agent.ts';

/** Who acts on an agent: an administrator, or the agent itself by a token of its own. */
export type AgentVisitor = 'administrator' | { readonly bearer: ResolvedToken };

/** A live token of the agent, and what shows that it is in the hands of the process it was issued to. */
export interface OwnProof {
  readonly bearer: ResolvedToken;
  /** RFC 7636 `code_verifier` of the token's task. */
  readonly codeVerifier: string | undefined;
  /** RFC 7638 thumbprint of the key that the request proves. */
  readonly keyThumbprint: string | undefined;
}

/**
 * What concerns an agent as a whole needs a token of a task that it opened for itself: a child task holds a part of
 * the agent's authority and must not reach beyond it, and a person's task is the person's.
 * @throws DomainError `not_found` for another agent, `forbidden` for such a task.
 */
export function requireOwnRoot({ token, task }: ResolvedToken, clientId: string): void {
  if (token.clientId !== clientId) throw unknownAgent();
  if (token.subject !== clientId || task.depth > 0) {
    throw new DomainError('forbidden', 'this takes a token of a root task that the agent opened for itself');
  }
}

export function requireVisitor(visitor: AgentVisitor, clientId: string): void {
  if (visitor !== 'administrator') requireOwnRoot(visitor.bearer, clientId);
}

/**
 * A token is seen by every resource server it is sent to. It must not be enough to take the agent over, so the
 * agent answers the task's challenge or proves its key, as for everything that extends a task (R7).
 * @throws DomainError `not_found`, `forbidden`, `verifier_mismatch` or `key_mismatch`.
 */
export function requireOwnProof(
  { digests }: Pick<AppContext, 'digests'>,
  clientId: string,
  { bearer, codeVerifier, keyThumbprint }: OwnProof,
): void {
  requireOwnRoot(bearer, clientId);
  const { task } = bearer;
  if (task.codeChallenge === null && task.keyThumbprint === null) {
    throw new DomainError(
      'forbidden',
      'this takes a token for the agent’s own task, bound to a code_verifier or a key',
    );
  }
  const answer = codeVerifier === undefined ? undefined : digests.sha256(codeVerifier);
  requireSameProcess(task, { answer, keyThumbprint });
}
