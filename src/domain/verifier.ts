import { DomainError } from './errors.ts';
import type { Task } from './task.ts';
import type { TaskRequest } from './task-request.ts';

type Bound = Pick<Task, 'codeChallenge' | 'keyThumbprint'>;
type Proof = Pick<TaskRequest, 'answer' | 'keyThumbprint'>;

/**
 * R7: extending a task (re-issue, refresh, complete, a child by the same client) needs the verifier of its
 * challenge and a proof of its key, whichever of the two it is bound to.
 * @throws DomainError `verifier_mismatch` or `key_mismatch`.
 */
export function requireSameProcess(task: Bound, proof: Proof): void {
  requireSameKey(task, proof);
  requireVerifier(task, proof);
}

/** @throws DomainError `verifier_mismatch` when the task's challenge is not answered. */
export function requireVerifier(task: Bound, proof: Proof): void {
  if (task.codeChallenge === null) return;
  if (proof.answer === undefined) {
    throw new DomainError('verifier_mismatch', 'code_verifier of the task is missing');
  }
  // The compared values are S256 digests: their timing says nothing about the verifier.
  if (proof.answer !== task.codeChallenge) {
    throw new DomainError('verifier_mismatch', 'code_verifier does not match the task');
  }
}

/** @throws DomainError `key_mismatch` when the task is bound to a key that the request does not prove. */
export function requireSameKey(task: Pick<Bound, 'keyThumbprint'>, proof: Proof): void {
  if (task.keyThumbprint !== null && task.keyThumbprint !== proof.keyThumbprint) {
    throw new DomainError('key_mismatch', 'the request must prove the key that the task is bound to');
  }
}

/**
 * RFC 9449 §5.2: a client that is registered for bound tokens gets no others.
 * @throws DomainError `key_mismatch` when the request proves no key.
 */
export function requireKeyOf(client: { readonly dpopBound: boolean }, { keyThumbprint }: Proof): void {
  if (!client.dpopBound || keyThumbprint !== undefined) return;
  throw new DomainError(
    'key_mismatch',
    'the agent is registered for tokens bound to a key: send a DPoP proof',
  );
}
