import type { Agent } from '../../domain/agent.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { DomainError } from '../../domain/errors.ts';
import { ADMIN_CLIENT_ID, findAgent } from '../agents/find-agent.ts';
import { type OwnProof, requireOwnProof, requireOwnRoot } from '../agents/own-agent.ts';
import type { AppContext } from '../context.ts';
import type { Change } from '../unit-of-work.ts';

/**
 * What lets somebody make a key: administration, or being the agent. A token alone is not enough, because every
 * resource server sees it; the agent answers its task's challenge, proves its key, or shows an API key of its own.
 */
export type KeyProof = 'administrator' | (OwnProof & { readonly apiKey: ApiKey | undefined });

/** @throws DomainError `not_found`, `forbidden`, `verifier_mismatch`, `key_mismatch`, or `conflict`. */
export async function requireKeyHolder(
  context: AppContext,
  clientId: string,
  proof: KeyProof,
): Promise<Agent> {
  if (proof !== 'administrator') requireSelf(context, clientId, proof);
  const agent = await findAgent(context, clientId);
  if (clientId === ADMIN_CLIENT_ID) {
    throw new DomainError('conflict', `${ADMIN_CLIENT_ID} is built in: it has its secret only`);
  }
  return agent;
}

function requireSelf(context: AppContext, clientId: string, proof: Exclude<KeyProof, string>): void {
  const { apiKey, bearer } = proof;
  if (apiKey === undefined) {
    requireOwnProof(context, clientId, proof);
    return;
  }
  requireOwnRoot(bearer, clientId);
  if (apiKey.clientId !== clientId) throw new DomainError('forbidden', 'the API key is not this agent’s');
}

/** A key that vouches for another one must still work when that one is made. */
export function vouching({ clock }: AppContext, proof: KeyProof): Change[] {
  if (proof === 'administrator' || proof.apiKey === undefined) return [];
  const { keyId, clientId } = proof.apiKey;
  const miss = new DomainError('forbidden', 'the API key was ended meanwhile');
  return [{ do: 'use_api_key', keyId, clientId, task: null, at: clock.now(), miss }];
}
