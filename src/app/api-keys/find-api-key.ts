import type { ApiKey } from '../../domain/api-key.ts';
import { DomainError } from '../../domain/errors.ts';
import type { AppContext } from '../context.ts';

/** @throws DomainError `not_found`, also for another agent's key. */
export async function findApiKey(
  { store }: Pick<AppContext, 'store'>,
  { clientId, keyId }: { readonly clientId: string; readonly keyId: string },
): Promise<ApiKey> {
  const key = await store.apiKeys.byId(keyId);
  if (key?.clientId !== clientId) throw new DomainError('not_found', 'the agent has no such API key');
  return key;
}
