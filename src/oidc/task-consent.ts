import type { Artifacts } from '../app/ports/artifacts.ts';
import type { Change } from '../app/unit-of-work.ts';
import { DomainError } from '../domain/errors.ts';
import type { Authority } from '../domain/task.ts';
import type { TaskRequest } from '../domain/task-request.ts';

const MODEL = 'TaskConsent';

/** What a person consented to: one record for each authorization, keyed by the engine's grant id. */
export interface TaskConsent {
  readonly userId: string;
  readonly userEpoch: number;
  readonly clientId: string;
  readonly agentEpoch: number;
  readonly request: TaskRequest;
  readonly authority: Authority;
  readonly detailed: boolean;
  /** token_id of the parent checked at PAR, or null. */
  readonly parentTokenId: string | null;
  readonly codeChallenge: string;
}

/** `expiresAt` is milliseconds since the epoch: as long as the code can be redeemed. */
export function insertTaskConsent(grantId: string, consent: TaskConsent, expiresAt: number): Change {
  const artifact = {
    model: MODEL,
    id: grantId,
    payload: consent as unknown as Record<string, unknown>,
    grantId,
    uid: null,
    accountId: consent.userId,
    clientId: consent.clientId,
    consumedAt: null,
    expiresAt,
  };
  return {
    do: 'insert_artifact',
    artifact,
    miss: new DomainError('conflict', 'the id of a record is taken'),
  };
}

/**
 * One approval opens one task, also where servers of the release before gave a browser two codes for it at once.
 */
export function consumeTaskConsent(grantId: string, at: number): Change {
  const miss = new DomainError('grant_invalid', 'another code for the same approval was redeemed');
  return { do: 'consume_artifact', model: MODEL, id: grantId, at, miss };
}

export async function findTaskConsent(
  artifacts: Artifacts,
  grantId: string,
): Promise<TaskConsent | undefined> {
  const found = await artifacts.find(MODEL, grantId);
  return found?.payload as TaskConsent | undefined;
}
