import type { Artifact } from '../../app/artifact.ts';
import type { AppContext } from '../../app/context.ts';
import type { Change } from '../../app/unit-of-work.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Pending } from './pending.ts';

interface Mark {
  /** Of what the mark says that it happened. */
  readonly model: 'ShownConsent' | 'AnsweredConsent';
  readonly userId: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** What happens to a request once: committed with it, the mark misses every other time. */
export function markRequest(
  { digests }: Pick<AppContext, 'digests'>,
  { uid, clientId, interaction }: Pending,
  { model, userId, payload = {} }: Mark,
) {
  const artifact: Artifact = {
    model,
    id: digests.sha256(uid),
    payload,
    grantId: null,
    uid: null,
    accountId: userId,
    clientId,
    consumedAt: null,
    expiresAt: interaction.exp * 1000,
  };
  const miss = new DomainError('conflict', 'it has happened to this request before');
  return { do: 'insert_artifact', artifact, miss } satisfies Change;
}
