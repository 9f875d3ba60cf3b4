import type { AuditEvent, AuditEventType } from '../../domain/audit-event.ts';
import type { PolicyFact } from '../../domain/policy/verdict.ts';
import type { Scope } from '../../domain/scope.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import type { AppContext } from '../context.ts';
import { CLOCKS_DIFFER_MS } from '../remove-expired.ts';
import type { ExplainedApiKey, ExplainedConsent } from './explanation.ts';

const ISSUING: readonly AuditEventType[] = [
  'token_issued',
  'token_exchanged',
  'token_refreshed',
  'token_handed_off',
];

/** Tokens of a task, or approvals of a person, that are looked through at most. */
const MOST = 200;

/**
 * How a token was issued; undefined when the audit trail does not hold it any more. Whatever else was done with it may
 * have an earlier time: a server that it was used at may have a clock that is behind.
 */
export async function issuanceOf({ store }: AppContext, tokenId: string): Promise<AuditEvent | undefined> {
  const found = await Promise.all(
    ISSUING.map((type) => store.audit.search({ tokenId, type, outcome: 'success' }, { limit: 1 })),
  );
  return found.flatMap(({ items }) => items)[0];
}

/** A refresh token is named by the event of the access token that came with it: at its own time, or a moment later. */
export async function issuanceOfRefresh(
  { store }: AppContext,
  { taskId, tokenId, issuedAt }: Pick<TaskToken, 'taskId' | 'tokenId' | 'issuedAt'>,
): Promise<AuditEvent | undefined> {
  const { items } = await store.audit.search(
    { taskIds: [taskId], outcome: 'success', from: issuedAt, order: 'oldest' },
    { limit: MOST },
  );
  return items.find(({ details }) => details['refresh_token_id'] === tokenId);
}

/** How a task began. */
export async function openingOf({ store }: AppContext, taskId: string): Promise<AuditEvent | undefined> {
  for (const type of ['task_opened', 'task_derived'] as const) {
    // The second is asked only where there is no first.
    const { items } = await store.audit.search({ taskIds: [taskId], type }, { limit: 1 });
    if (items[0]) return items[0];
  }
  return undefined;
}

/** The approval that a task of a person rests on. */
export async function consentOf(
  { store }: AppContext,
  { userId, clientId, grant, before }: { userId: string; clientId: string; grant: string; before: number },
): Promise<ExplainedConsent | undefined> {
  const { items } = await store.audit.search(
    // Whoever recorded the approval may have a clock that is ahead of the one that opened the task.
    { userId, clientId, type: 'consent_granted', to: before + CLOCKS_DIFFER_MS },
    { limit: MOST },
  );
  const event = items.find(({ details }) => details['grant'] === grant);
  return (
    event && {
      userId,
      grant,
      at: event.at,
      asked: wordsIn(event.details['asked']),
      granted: wordsIn(event.details['granted']),
      heldBy: reasonsIn(event.details['granted_by']),
    }
  );
}

/** The API key that a task was opened with. */
export async function keyOf({ store }: AppContext, taskId: string): Promise<ExplainedApiKey | undefined> {
  const { items } = await store.audit.search(
    { taskIds: [taskId], type: 'agent_verified', order: 'oldest' },
    { limit: 1 },
  );
  const keyId = textIn(items[0]?.details['key_id']);
  return keyId === null ? undefined : { keyId, name: (await store.apiKeys.byId(keyId))?.name ?? null };
}

/** Rights as an event has them: a list, or the text of RFC 6749 §3.3. */
export function wordsIn(value: unknown): Scope {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}

export function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function reasonsIn(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** What the policies said. `policy` of a refusal by a rate limit is a name, and no decision. */
export function policyIn(event: AuditEvent | undefined): readonly PolicyFact[] {
  const facts = event?.details['policy'];
  return Array.isArray(facts) ? (facts as readonly PolicyFact[]) : [];
}
