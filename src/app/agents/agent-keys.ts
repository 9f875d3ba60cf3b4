import { DomainError } from '../../domain/errors.ts';
import type { AppContext } from '../context.ts';
import { findAgent } from './find-agent.ts';

/** A public key as it was registered (RFC 7517), without what says more than a verifier needs. */
export type PublicKey = Readonly<Partial<Record<(typeof MEMBERS)[number], string>>>;

/** INVARIANT: a list of what is shown, not of what is hidden: no private member can be among it. */
const MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use'] as const;

/**
 * The public keys by which others know what an agent signed. An agent that may not act has none, like one that does not
 * exist or registered none: who asks learns of an agent no more than that it has keys.
 */
export async function agentKeys(context: AppContext, clientId: string): Promise<readonly PublicKey[]> {
  try {
    const { state, metadata } = await findAgent(context, clientId);
    return state === 'active' ? keysOf(metadata['jwks']) : [];
  } catch (error) {
    if (error instanceof DomainError && error.code === 'not_found') return [];
    throw error;
  }
}

function keysOf(jwks: unknown): readonly PublicKey[] {
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  return Array.isArray(keys) ? keys.map(publicMembers) : [];
}

function publicMembers(key: unknown): PublicKey {
  const given = key as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    MEMBERS.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : [])),
  );
}
