import type { Knex } from 'knex';

/** Events that tell of an access token that was issued. */
const ISSUED = "('token_issued', 'token_refreshed', 'token_exchanged')";
const OPENED = "('task_opened', 'task_derived', 'task_joined')";

/** What no unit of work may leave behind: each counts rows that have no business there. */
const BROKEN: Readonly<Record<string, string>> = {
  'tokens without a task':
    'SELECT 1 FROM tokens WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.handle = tokens.task_handle)',
  'tasks without tokens':
    'SELECT 1 FROM tasks WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.task_handle = tasks.handle)',
  'tasks without the event of their opening': `SELECT 1 FROM tasks WHERE NOT EXISTS
    (SELECT 1 FROM audit_events e WHERE e.task_id = tasks.task_id AND e.type IN ${OPENED})`,
  'events of tasks that are not there': `SELECT 1 FROM audit_events e WHERE e.type IN ${OPENED}
    AND e.outcome = 'success' AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.task_id = e.task_id)`,
  'access tokens without an event': `SELECT 1 FROM tokens WHERE kind = 'access' AND NOT EXISTS
    (SELECT 1 FROM audit_events e WHERE e.token_id = tokens.token_id AND e.type IN ${ISSUED})`,
  'events of tokens that are not there': `SELECT 1 FROM audit_events e WHERE e.type IN ${ISSUED}
    AND e.outcome = 'success' AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.token_id = e.token_id)`,
  'revocations without an event': `SELECT 1 FROM revocations r WHERE r.kind = 'token' AND NOT EXISTS
    (SELECT 1 FROM audit_events e WHERE e.token_id = r.handle AND e.type = 'token_revoked')`,
  'events of revocations that are not there': `SELECT 1 FROM audit_events e WHERE e.type = 'token_revoked'
    AND e.outcome = 'success' AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.handle = e.token_id)`,
  'task ids that are not kept':
    'SELECT 1 FROM tasks WHERE NOT EXISTS (SELECT 1 FROM task_ids i WHERE i.task_id = tasks.task_id)',
  'task ids of nothing':
    'SELECT 1 FROM task_ids i WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE i.task_id = tasks.task_id)',
  'tasks that count other children than they have': `SELECT 1 FROM tasks WHERE child_count <>
    (SELECT count(*) FROM tasks child WHERE child.parent_handle = tasks.handle)`,
  'units with a part of their events':
    'SELECT 1 FROM audit_events GROUP BY unit_id HAVING count(*) <> max(position) + 1',
  'openings without their token': `SELECT 1 FROM audit_events e WHERE e.type IN ('task_opened', 'task_derived')
    AND NOT EXISTS (SELECT 1 FROM audit_events t WHERE t.unit_id = e.unit_id AND t.type IN ${ISSUED})`,
};

/** What of a unit of work is there without the rest of it, by name; `{}` when everything is whole. */
export async function brokenRows(db: Knex): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, sql] of Object.entries(BROKEN)) {
    const answer = await db.raw(`SELECT count(*) AS n FROM (${sql}) AS broken`);
    const [row] = (answer.rows ?? answer) as { n: number | string }[];
    if (Number(row?.n) > 0) found[name] = Number(row?.n);
  }
  return found;
}

/** The ids that audit events of these types are about. */
export async function recordedTokens(db: Knex, types: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db('audit_events').whereIn('type', types).where('outcome', 'success').select('token_id');
  return new Set(rows.map(({ token_id: id }) => id as string));
}
