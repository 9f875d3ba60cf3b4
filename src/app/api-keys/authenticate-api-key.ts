import type { Agent } from '../../domain/agent.ts';
import { type ApiKey, isUsable, prefixOfKey } from '../../domain/api-key.ts';
import type { AppContext } from '../context.ts';

/** The agent that a key proves. Whether it may act now is for whoever opens something for it to check. */
export interface ProvenAgent {
  readonly agent: Agent;
  readonly key: ApiKey;
}

/** A refusal: only the audit trail learns whose key it was, and the answer is the same for all of them. */
export interface Unproven {
  readonly agent?: undefined;
  /** The agent of the key that was looked up, for the audit trail. */
  readonly clientId: string | null;
}

/** Stands in where no key has the prefix, so that an unknown prefix costs the same comparison. */
const NO_DIGEST = 'A'.repeat(43);

/**
 * Finds a key by its prefix with one indexed read and compares digests in constant time: the secret has 256 random
 * bits, so there is nothing for a slow hash to protect (ADR 19). `claimed` is the agent that the caller says it is.
 */
export async function authenticateApiKey(
  { store, digests, clock }: Pick<AppContext, 'store' | 'digests' | 'clock'>,
  value: string,
  claimed?: string,
): Promise<ProvenAgent | Unproven> {
  const prefix = prefixOfKey(value);
  const key = prefix === undefined ? undefined : await store.apiKeys.byPrefix(prefix);
  const same = digests.equal(key?.digest ?? NO_DIGEST, digests.sha256(value));
  const proven = key !== undefined && same && isUsable(key, clock.now());
  if (!proven || (claimed !== undefined && claimed !== key.clientId)) {
    return { clientId: key?.clientId ?? null };
  }
  const agent = await store.agents.byId(key.clientId);
  return agent ? { agent, key } : { clientId: key.clientId };
}
