import type { Knex } from 'knex';
import type { Told } from '../../app/unit-of-work.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import { patternsFor, TOLD_WHEN_REFUSED, WEBHOOK_EVENT_OF } from '../../domain/webhook-event.ts';
import { hitsOf, isPostgres } from '../sql/statements.ts';

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

/** The key that webhooks are found by: the agent that one is about, or this for all agents. As the index has it. */
const SUBJECT_OF_WEBHOOK = "COALESCE(w.agent_id, '')";

/**
 * Whose webhooks hear of which event in `told`: those about all agents, and those about its agent or one that it was
 * derived from. Found from the event, because there may be many webhooks and the agents of a batch are few. The parent of
 * a task that was opened in this very statement was there before it.
 */
function heard(ancestors: string, client: string): string {
  const below = 'told JOIN tasks parent ON parent.task_id = told.parent_task_id';
  return `heard(event_id, subject) AS (
    SELECT id, '' FROM told
    UNION SELECT id, client_id FROM told WHERE client_id IS NOT NULL
    UNION SELECT told.id, parent.client_id FROM ${below} WHERE told.outcome = 'success'
    UNION SELECT told.id, ${client} FROM ${below} CROSS JOIN ${ancestors} WHERE told.outcome = 'success')`;
}

/** While there is no webhook nothing else is read. */
const ANY_WEBHOOK = 'EXISTS (SELECT 1 FROM webhooks)';

/**
 * For PostgreSQL: two parts of a WITH clause that record deliveries of the events in the part `told`, which returned
 * TOLD_COLUMNS.
 */
export const FAN_OUT = {
  names: `${NAMES}, ${heard('jsonb_array_elements(parent.lineage) AS ancestor', "ancestor ->> 'client'")}`,
  insert: `${INTO} FROM told JOIN names ON names.type = told.type JOIN heard ON heard.event_id = told.id
      JOIN webhooks w ON ${SUBJECT_OF_WEBHOOK} = heard.subject
    WHERE ${ANY_WEBHOOK} AND ${WANTED} AND jsonb_exists_any(w.events, ARRAY[names.event, names.family, '*'])
    ${IN_ORDER}`,
} as const;

/**
 * For the embedded database, after the events of the units were stored: records a delivery for each event and each
 * webhook that wants to hear of it. Takes a JSON list of the units' ids. The tables are read in the order in which they
 * are named, whatever the planner thinks.
 */
export const FAN_OUT_ON_SQLITE = `WITH ${NAMES},
  told AS (SELECT ${TOLD_COLUMNS} FROM audit_events
    WHERE ${ANY_WEBHOOK} AND unit_id IN (SELECT value FROM json_each(?))),
  ${heard('json_each(parent.lineage) AS ancestor', "json_extract(ancestor.value, '$.client')")}
  ${INTO} FROM told CROSS JOIN names ON names.type = told.type CROSS JOIN heard ON heard.event_id = told.id
    CROSS JOIN webhooks w ON ${SUBJECT_OF_WEBHOOK} = heard.subject
  WHERE ${WANTED} AND EXISTS (SELECT 1 FROM json_each(w.events) WHERE value IN (names.event, names.family, '*'))
  ${IN_ORDER}`;

/** Runs FAN_OUT_ON_SQLITE. Answers how many deliveries there are. */
export function recordDeliveries(db: Knex, units: readonly Told[]): Promise<number> {
  if (isPostgres(db)) throw new Error('PostgreSQL records deliveries with the events themselves');
  return hitsOf(db, FAN_OUT_ON_SQLITE, [JSON.stringify(units.map(({ id }) => id))]);
}
