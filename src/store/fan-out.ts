import type { Knex } from 'knex';
import type { UnitOfWork } from '../app/unit-of-work.ts';
import type { AuditEventType } from '../domain/audit-event.ts';
import { patternsFor, TOLD_WHEN_REFUSED, WEBHOOK_EVENT_OF } from '../domain/webhook-event.ts';
import { hitsOf, isPostgres } from './statements.ts';

/** What of an event decides who hears of it. */
export const TOLD_COLUMNS = 'id, unit_id, position, at, type, outcome, client_id, parent_task_id';

/** As webhookEventOf does (domain/webhook-event.ts). */
const NAMES = `names(type, event, family, told_when_refused) AS (VALUES ${Object.entries(WEBHOOK_EVENT_OF)
  .flatMap(([type, event]) => {
    if (event === null) return [];
    const refused = TOLD_WHEN_REFUSED.includes(type as AuditEventType) ? 'TRUE' : 'FALSE';
    return [`('${type}', '${event}', '${patternsFor(event)[1]}', ${refused})`];
  })
  .join(', ')})`;

/** Characters: whoever fails to authenticate may claim any name, and an index takes only so much. */
const LONGEST_LANE = 200;

const INTO = `INSERT INTO webhook_deliveries
  (id, webhook_id, event, event_id, unit_id, position, lane, state, attempts, due_at, created_at)
  SELECT told.id || '_' || w.id, w.id, names.event, told.id, told.unit_id, told.position,
    SUBSTR(COALESCE(told.client_id, ''), 1, ${LONGEST_LANE}), 'pending', 0, told.at, told.at`;

/** An agent that was cut off hears of that, and of nothing afterwards. */
const ENTITLED = `(w.owner IS NULL OR told.type IN ('agent_suspended', 'agent_deleted')
    OR EXISTS (SELECT 1 FROM agents owner WHERE owner.client_id = w.owner AND owner.state = 'active'))`;

const WANTED = `w.enabled AND ${ENTITLED}
  AND (told.outcome = 'success' OR (told.outcome = 'refused' AND names.told_when_refused))`;

/** In the order in which they were told: deliveries leave in the order of their numbers. */
const IN_ORDER = 'ORDER BY told.at, told.unit_id, told.position';

/**
 * An agent's webhook hears of the agent and of what was derived from its tasks. The parent of a task that was opened in
 * this very statement was there before it.
 */
function concerns(below: string): string {
  return `(w.agent_id IS NULL OR w.agent_id = told.client_id
    OR (told.parent_task_id IS NOT NULL AND told.outcome = 'success' AND EXISTS (
      SELECT 1 FROM tasks parent WHERE parent.task_id = told.parent_task_id
        AND (parent.client_id = w.agent_id OR ${below}))))`;
}

/**
 * For PostgreSQL: two parts of a WITH clause that record deliveries of the events in the part `told`, which returned
 * TOLD_COLUMNS. While there is no webhook they read one empty table.
 */
export const FAN_OUT = {
  names: NAMES,
  insert: `${INTO} FROM webhooks w JOIN told ON TRUE JOIN names ON names.type = told.type
    WHERE ${WANTED} AND jsonb_exists_any(w.events, ARRAY[names.event, names.family, '*'])
      AND ${concerns("parent.lineage @> jsonb_build_array(jsonb_build_object('client', w.agent_id))")}
    ${IN_ORDER}`,
} as const;

/**
 * For the embedded database, after the events of the units were stored: records a delivery for each event and each
 * webhook that wants to hear of it. Takes a JSON list of the units' ids. The webhooks come first, whatever the planner
 * thinks: mostly there are none, and nothing else is read.
 */
export const FAN_OUT_ON_SQLITE = `WITH ${NAMES} ${INTO}
  FROM webhooks w CROSS JOIN json_each(?) unit CROSS JOIN audit_events told ON told.unit_id = unit.value
    JOIN names ON names.type = told.type
  WHERE ${WANTED}
    AND EXISTS (SELECT 1 FROM json_each(w.events) WHERE value IN (names.event, names.family, '*'))
    AND ${concerns(
      "EXISTS (SELECT 1 FROM json_each(parent.lineage) WHERE json_extract(value, '$.client') = w.agent_id)",
    )}
  ${IN_ORDER}`;

/** Runs FAN_OUT_ON_SQLITE. Answers how many deliveries there are. */
export function recordDeliveries(db: Knex, units: readonly UnitOfWork[]): Promise<number> {
  if (isPostgres(db)) throw new Error('PostgreSQL records deliveries with the events themselves');
  return hitsOf(db, FAN_OUT_ON_SQLITE, [JSON.stringify(units.map(({ id }) => id))]);
}
