import { DomainError } from '../../domain/errors.ts';
import { notEndedSince } from '../agents/find-agent.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText } from '../display-text.ts';
import type { Change } from '../unit-of-work.ts';
import { type KeyProof, requireKeyHolder, vouching } from './key-holder.ts';
import { type MintedApiKey, mintApiKey } from './mint-api-key.ts';

const KEY_NAME_LENGTH = { min: 1, max: 100 };
/** That work, of one agent. */
const MOST_KEYS = 20;

export interface CreateApiKeyCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly proof: KeyProof;
  readonly name: string;
  /** Seconds; null = does not expire. */
  readonly expiresIn: number | null;
}

/**
 * Gives an agent one more API key.
 * @throws DomainError `not_found`, `forbidden`, `verifier_mismatch`, `key_mismatch`, `parameter_invalid`, `conflict`.
 */
export async function createApiKey(
  context: AppContext,
  { caller, clientId, proof, name, expiresIn }: CreateApiKeyCommand,
): Promise<MintedApiKey> {
  const agent = await requireKeyHolder(context, clientId, proof);
  const checked = checkText('name', name, KEY_NAME_LENGTH);
  const minted = mintApiKey(context, { clientId, name: checked, expiresIn });
  const changes = [...vouching(context, proof), insertionOf(context, minted)];
  const unit = unitOf(context, caller, changes, createdFact(minted));
  await context.store.commit({ ...unit, guards: [...unit.guards, notEndedSince(agent)] });
  return minted;
}

export function insertionOf({ clock }: AppContext, { key }: MintedApiKey): Change {
  const miss = new DomainError('conflict', `the agent has ${MOST_KEYS} API keys that work: revoke one first`);
  return { do: 'insert_api_key', key, most: MOST_KEYS, at: clock.now(), miss };
}

export function createdFact({ key: { clientId, keyId, name, expiresAt } }: MintedApiKey): Fact {
  const expires = expiresAt === null ? null : Math.floor(expiresAt / 1000);
  return { type: 'api_key_created', clientId, details: { key_id: keyId, name, expires_at: expires } };
}
