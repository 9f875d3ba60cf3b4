import type { AuditEvent } from '../../domain/audit-event.ts';
import { auditEvent } from './audit-trail.ts';
import type { AppContext } from '../context.ts';

/** Sources counted apart per minute; an attacker with more addresses is counted as one. */
const MAX_SOURCES = 1000;
const MINUTE = 60_000;

interface Count {
  readonly minute: number;
  readonly source: string | null;
  total: number;
  readonly types: Record<string, number>;
}

export interface RefusalCounts {
  add(event: AuditEvent): void;
  /** The counts of minutes before `minute` as audit events; forgotten here unless they are put back. */
  take(minute: number): { readonly events: readonly AuditEvent[]; readonly putBack: () => void };
}

/** Counts refusals that are not stored one by one, per source and minute (R15). */
export function createRefusalCounts(context: Pick<AppContext, 'clock' | 'ids'>): RefusalCounts {
  const counts = new Map<string, Count>();

  return {
    add({ at, sourceIp, type }) {
      const minute = Math.floor(at / MINUTE);
      const known = counts.get(`${minute} ${sourceIp}`);
      const source = known || counts.size < MAX_SOURCES ? sourceIp : null;
      const key = `${minute} ${source}`;
      const count = counts.get(key) ?? { minute, source, total: 0, types: {} };
      count.total += 1;
      count.types[type] = (count.types[type] ?? 0) + 1;
      counts.set(key, count);
    },
    take(minute) {
      const due = [...counts].filter(([, count]) => count.minute < minute);
      for (const [key] of due) counts.delete(key);
      return {
        events: due.map(([, count]) => countedEvent(context, count)),
        putBack: () => {
          for (const [key, count] of due) counts.set(key, merged(count, counts.get(key)));
        },
      };
    },
  };
}

function merged(count: Count, later: Count | undefined): Count {
  const types = { ...count.types };
  for (const [type, number] of Object.entries(later?.types ?? {})) types[type] = (types[type] ?? 0) + number;
  return { ...count, total: count.total + (later?.total ?? 0), types };
}

function countedEvent(context: Pick<AppContext, 'clock' | 'ids'>, count: Count): AuditEvent {
  const event = auditEvent(
    context,
    { actor: 'system', origin: null },
    {
      type: 'refusals_counted',
      outcome: 'refused',
      details: {
        minute: new Date(count.minute * MINUTE).toISOString(),
        count: count.total,
        types: count.types,
      },
    },
  );
  return { ...event, sourceIp: count.source };
}
