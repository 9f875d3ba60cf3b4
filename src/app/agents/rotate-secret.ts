import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { requireSameProcess } from '../../domain/verifier.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import { hasSecret } from './client-metadata.ts';
import { mintClientSecret } from './client-secret.ts';
import type { AppContext } from '../context.ts';
import { findAgent, unknownAgent } from './find-agent.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

export interface RotateSecretCommand {
  readonly caller: Caller;
  readonly clientId: string;
  /** An administrator rotates anyone's secret; everyone else proves to be the agent. */
  readonly proof: 'administrator' | OwnProof;
  /** End the old secrets at once instead of after the overlap. */
  readonly immediate: boolean;
}

/** A live token of the agent, and what shows that it is in the hands of the process it was issued to. */
export interface OwnProof {
  readonly bearer: ResolvedToken;
  /** RFC 7636 `code_verifier` of the token's task. */
  readonly codeVerifier: string | undefined;
  /** RFC 7638 thumbprint of the key that the request proves. */
  readonly keyThumbprint: string | undefined;
}

export interface RotatedSecret {
  readonly clientId: string;
  /** In clear, for the answer alone. */
  readonly clientSecret: string;
  /** Milliseconds since the epoch: until then the old secrets work too. */
  readonly oldSecretsExpireAt: number;
}

/**
 * Gives an agent a new secret; the old ones work for the overlap, so that its instances can change over.
 * @throws DomainError `not_found`, `forbidden`, `verifier_mismatch`, `key_mismatch`, or `conflict` for a client
 * without secrets.
 */
export async function rotateSecret(
  context: AppContext,
  command: RotateSecretCommand,
): Promise<RotatedSecret> {
  const { clientId, proof } = command;
  if (proof !== 'administrator') requireSelf(context, clientId, proof);
  const agent = await findAgent(context, clientId);
  return replaceSecret(context, command, agent);
}

/** The part that resource servers share. */
export async function replaceSecret(
  context: AppContext,
  { caller, immediate }: Pick<RotateSecretCommand, 'caller' | 'immediate'>,
  agent: Agent,
): Promise<RotatedSecret> {
  const { clientId } = agent;
  if (!hasSecret(agent)) throw new DomainError('conflict', 'the client does not authenticate with a secret');
  const { clock, settings, store } = context;
  const { value, secret } = mintClientSecret(context, clientId);
  const oldSecretsExpireAt = clock.now() + (immediate ? 0 : settings.secretOverlapSeconds * 1000);
  await store.commit(
    unitOf(
      context,
      caller,
      [
        { do: 'expire_secrets', clientId, except: secret.id, at: oldSecretsExpireAt },
        { do: 'insert_secret', secret },
      ],
      {
        type: 'agent_secret_rotated',
        clientId,
        details: { immediate, old_secrets_expire_at: Math.floor(oldSecretsExpireAt / 1000) },
      },
    ),
  );
  return { clientId, clientSecret: value, oldSecretsExpireAt };
}

/**
 * A token is seen by every resource server it is sent to. It must not be enough to take the agent over, so the
 * agent answers the task's challenge or proves its key, as for everything that extends a task (R7).
 */
function requireSelf(
  { digests }: AppContext,
  clientId: string,
  { bearer, codeVerifier, keyThumbprint }: OwnProof,
): void {
  const { token, task } = bearer;
  if (token.clientId !== clientId) throw unknownAgent();
  const bound = task.codeChallenge !== null || task.keyThumbprint !== null;
  if (token.subject !== clientId || !bound) {
    throw new DomainError(
      'forbidden',
      'this takes a token for the agent’s own task, bound to a code_verifier or a key',
    );
  }
  const answer = codeVerifier === undefined ? undefined : digests.sha256(codeVerifier);
  requireSameProcess(task, { answer, keyThumbprint });
}
