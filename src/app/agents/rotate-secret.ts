import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import { hasSecret } from './client-metadata.ts';
import { mintClientSecret } from './client-secret.ts';
import type { AppContext } from '../context.ts';
import { findAgent, notEndedSince } from './find-agent.ts';
import { type OwnProof, requireOwnProof } from './own-agent.ts';
import { CLOCKS_DIFFER_MS } from '../remove-expired.ts';
import type { Change } from '../unit-of-work.ts';

/** That work, of one client: each is compared whenever it authenticates. */
const MOST_SECRETS = 20;

export interface RotateSecretCommand {
  readonly caller: Caller;
  readonly clientId: string;
  /** An administrator rotates anyone's secret; everyone else proves to be the agent. */
  readonly proof: 'administrator' | OwnProof;
  /** End the old secrets at once instead of after the overlap. */
  readonly immediate: boolean;
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
 * without secrets or with too many.
 */
export async function rotateSecret(
  context: AppContext,
  command: RotateSecretCommand,
): Promise<RotatedSecret> {
  const { clientId, proof } = command;
  if (proof !== 'administrator') requireOwnProof(context, clientId, proof);
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
  const full = new DomainError(
    'conflict',
    `the client has ${MOST_SECRETS} secrets that work: end them with immediate`,
  );
  const changes: Change[] = [
    // At once also where the clock of another server is behind this one.
    {
      do: 'expire_secrets',
      clientId,
      except: secret.id,
      at: oldSecretsExpireAt - (immediate ? CLOCKS_DIFFER_MS : 0),
    },
    { do: 'require_few_secrets', clientId, most: MOST_SECRETS, at: clock.now(), miss: full },
    { do: 'insert_secret', secret },
  ];
  const unit = unitOf(context, caller, changes, {
    type: 'agent_secret_rotated',
    clientId,
    details: { immediate, old_secrets_expire_at: Math.floor(oldSecretsExpireAt / 1000) },
  });
  await store.commit({ ...unit, guards: [...unit.guards, notEndedSince(agent)] });
  return { clientId, clientSecret: value, oldSecretsExpireAt };
}
