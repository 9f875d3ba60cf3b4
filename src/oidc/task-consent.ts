import type { Artifacts } from '../app/ports/artifacts.ts';
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
export async function saveTaskConsent(
  artifacts: Artifacts,
  grantId: string,
  consent: TaskConsent,
  expiresAt: number,
): Promise<void> {
  await artifacts.upsert({
    model: MODEL,
    id: grantId,
    payload: consent as unknown as Record<string, unknown>,
    grantId,
    uid: null,
    accountId: consent.userId,
    clientId: consent.clientId,
    consumedAt: null,
    expiresAt,
  });
}

export async function findTaskConsent(
  artifacts: Artifacts,
  grantId: string,
): Promise<TaskConsent | undefined> {
  const found = await artifacts.find(MODEL, grantId);
  return found?.payload as TaskConsent | undefined;
}
