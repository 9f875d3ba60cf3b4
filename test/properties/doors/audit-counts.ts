import { expect } from '@jest/globals';
import type { AppContext } from '../../../src/app/context.ts';
import { AUDIT_EVENT_TYPES, type AuditEventType } from '../../../src/domain/audit-event.ts';

/** Setting the stage writes some of these as well. */
const ALSO_WRITTEN_ELSEWHERE: readonly AuditEventType[] = ['agent_updated', 'agent_permissions_changed'];

/** INVARIANT: every change was recorded, exactly once, and nothing was recorded that did not happen. */
export async function countEvents(
  { store }: AppContext,
  parties: ReadonlySet<string>,
  told: ReadonlyMap<string, number>,
): Promise<void> {
  const types = AUDIT_EVENT_TYPES.filter((type) => told.has(type) && !ALSO_WRITTEN_ELSEWHERE.includes(type));
  const counts: [string, number][] = [];
  for (const type of types) {
    let count = 0;
    let after: string | undefined;
    do {
      const { items, next } = await store.audit.search(
        { type, outcome: outcomeOf(type) },
        { limit: 500, after },
      );
      count += items.filter(({ clientId, userId }) =>
        [clientId, userId].some((id) => parties.has(id ?? '')),
      ).length;
      after = next ?? undefined;
    } while (after !== undefined);
    counts.push([type, count]);
  }
  expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(types.map((type) => [type, told.get(type)])));
}

function outcomeOf(type: AuditEventType) {
  return type === 'token_replayed' ? 'refused' : 'success';
}
