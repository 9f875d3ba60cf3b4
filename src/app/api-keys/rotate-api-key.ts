import { type ApiKey, apiKeyState } from '../../domain/api-key.ts';
import { DomainError } from '../../domain/errors.ts';
import { notEndedSince } from '../agents/find-agent.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { CLOCKS_DIFFER_MS } from '../remove-expired.ts';
import type { Change } from '../unit-of-work.ts';
import { createdFact, insertionOf } from './create-api-key.ts';
import { findApiKey } from './find-api-key.ts';
import { type KeyProof, requireKeyHolder, vouching } from './key-holder.ts';
import { type MintedApiKey, mintApiKey } from './mint-api-key.ts';

export interface RotateApiKeyCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly keyId: string;
  readonly proof: KeyProof;
  /** End the old key at once instead of after the overlap. */
  readonly immediate: boolean;
}

export interface RotatedApiKey extends MintedApiKey {
  readonly replaced: ApiKey;
}

/**
 * Gives a key a successor of the same name and lifetime; the old one works for the overlap, so that the agent's
 * instances can change over. What the old one opened goes on.
 * @throws DomainError as createApiKey does, and `conflict` for a key that has ended or has a successor.
 */
export async function rotateApiKey(
  context: AppContext,
  command: RotateApiKeyCommand,
): Promise<RotatedApiKey> {
  const { caller, clientId, proof, immediate } = command;
  const agent = await requireKeyHolder(context, clientId, proof);
  const old = await findApiKey(context, command);
  requireRotatable(old, context.clock.now());
  const expiresIn = old.expiresAt === null ? null : Math.ceil((old.expiresAt - old.createdAt) / 1000);
  const minted = mintApiKey(context, { clientId, name: old.name, expiresIn });
  const replaced = replacedBy(context, old, { keyId: minted.key.keyId, immediate });
  const ends = ending(context, replaced, immediate);
  const changes = [...vouching(context, proof), ends, insertionOf(context, minted)];
  const fact: Fact = {
    type: 'api_key_rotated',
    clientId,
    details: {
      key_id: old.keyId,
      replaced_by: minted.key.keyId,
      old_key_expires_at: Math.floor((replaced.expiresAt ?? 0) / 1000),
    },
  };
  const unit = unitOf(context, caller, changes, fact, createdFact(minted));
  await context.store.commit({ ...unit, guards: [...unit.guards, notEndedSince(agent)] });
  return { ...minted, replaced };
}

function requireRotatable(key: ApiKey, now: number): void {
  const state = apiKeyState(key, now);
  if (state === 'active') return;
  throw new DomainError(
    'conflict',
    state === 'replaced' ? 'the key has a successor already' : `the key is ${state}`,
  );
}

function replacedBy(
  { clock, settings }: AppContext,
  old: ApiKey,
  { keyId, immediate }: { readonly keyId: string; readonly immediate: boolean },
): ApiKey {
  const ends = clock.now() + (immediate ? 0 : settings.secretOverlapSeconds * 1000);
  return { ...old, replacedBy: keyId, expiresAt: Math.min(ends, old.expiresAt ?? ends) };
}

function ending({ clock }: AppContext, { keyId, expiresAt, replacedBy }: ApiKey, immediate: boolean): Change {
  const at = clock.now();
  // At once also where the clock of another server is behind this one.
  const ended = (expiresAt ?? at) - (immediate ? CLOCKS_DIFFER_MS : 0);
  const miss = new DomainError('conflict', 'the key was changed meanwhile: read it again');
  return { do: 'end_api_key', keyId, expiresAt: ended, revokedAt: null, replacedBy, at, miss };
}
