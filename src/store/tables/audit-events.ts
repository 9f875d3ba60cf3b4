import type { Knex } from 'knex';
import type { AuditFilter, AuditReads } from '../../app/ports/audit.ts';
import type { Page, Paged } from '../../app/ports/page.ts';
import type { Told } from '../../app/unit-of-work.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { type Filter, type Order, pageOf, sliceOf } from '../sql/paging.ts';
import { FAN_OUT, recordDeliveries, TOLD_COLUMNS } from './fan-out.ts';
import { toJson } from '../sql/json.ts';
import { among, hitsOf, insertRows, isPostgres, notFirst, type Row, rowsOf } from '../sql/statements.ts';

export const auditEvents = mapping<AuditEvent>('audit_events', {
  id: plain('id'),
  at: plain('at'),
  type: plain('type'),
  outcome: plain('outcome'),
  actor: plain('actor'),
  clientId: plain('client_id'),
  userId: plain('user_id'),
  tokenId: plain('token_id'),
  taskId: plain('task_id'),
  parentTaskId: plain('parent_task_id'),
  sourceIp: plain('source_ip'),
  requestId: plain('request_id'),
  reason: plain('reason'),
  details: json('details'),
});

/** Events of one unit stay in the order in which it tells them. */
const BY_TIME: Order['columns'] = { at: 'number', unit_id: 'string', position: 'int4' };

export function auditReads(db: Knex): AuditReads {
  return {
    search: (filter, page) => search(db, filter, page),
    slice: (filter, slice) => sliceOf(matching(db, filter), orderOf(filter), slice, auditEvents.read),
  };
}

/** What an index finds is read by and by, where it may be much of which hardly anything is wanted. */
function search(db: Knex, filter: AuditFilter, page: Page): Promise<Paged<AuditEvent>> {
  const { taskIds, tokenId, userId, clientId, type, outcome } = filter;
  const order = orderOf(filter);
  const found = { ...filter, outcome: undefined };
  const wanted: Partial<Record<'type' | 'outcome', string>> = outcome === undefined ? {} : { outcome };
  if (type !== undefined && (userId ?? clientId) !== undefined) {
    delete found.type;
    wanted.type = type;
  }
  const isShort = taskIds !== undefined || tokenId !== undefined;
  if (isShort || Object.keys(wanted).length === 0)
    return pageOf(matching(db, filter), order, page, auditEvents.read);
  const filtered: Filter = (rows) => rows.where(wanted);
  return pageOf(matching(db, found), order, page, auditEvents.read, filtered);
}

function orderOf({ order }: AuditFilter): Order {
  return { columns: BY_TIME, direction: order === 'oldest' ? 'asc' : 'desc' };
}

function matching(db: Knex, filter: AuditFilter): Knex.QueryBuilder {
  const query = db('audit_events').select([...auditEvents.columns, 'unit_id', 'position']);
  const { taskIds } = filter;
  if (filter.tokenId !== undefined) query.where('token_id', filter.tokenId);
  if (taskIds !== undefined) {
    const { sql, bindings } = among(db, 'task_id', taskIds);
    query.whereRaw(sql, bindings as Knex.RawBinding[]);
  }
  if (filter.userId !== undefined) query.where('user_id', filter.userId);
  const afterTask = notFirst(db, taskIds !== undefined);
  if (filter.clientId !== undefined) query.whereRaw(`${afterTask}client_id = ?`, [filter.clientId]);
  if (filter.type !== undefined) query.whereRaw(`${afterTask}type = ?`, [filter.type]);
  if (filter.outcome !== undefined) query.where('outcome', filter.outcome);
  if (filter.taskError !== undefined) query.whereRaw("details ->> 'task_error' = ?", [filter.taskError]);
  if (filter.from !== undefined) query.where('at', '>=', filter.from);
  if (filter.to !== undefined) query.where('at', '<=', filter.to);
  return query;
}

/**
 * The events of many units with one statement, and with them their deliveries to webhooks. Answers how many deliveries
 * there are. A unit that is sent again violates the key of its first event, so nothing is delivered twice.
 */
export async function insertEvents(db: Knex, units: readonly Told[]): Promise<number> {
  const rows = eventRows(units);
  const [first] = rows;
  if (!first) return 0;
  if (!isPostgres(db)) {
    await insertRows(db, 'audit_events', rows);
    return recordDeliveries(db, units);
  }
  const columns = Object.keys(first).join(', ');
  return hitsOf(
    db,
    `WITH told AS (INSERT INTO audit_events (${columns})
       SELECT ${columns} FROM json_populate_recordset(NULL::audit_events, ?::json) RETURNING ${TOLD_COLUMNS}),
     ${FAN_OUT.names} ${FAN_OUT.insert}`,
    [toJson(rows)],
  );
}

export function eventRows(units: readonly Told[]): readonly Row[] {
  return units.flatMap(({ id, events }) =>
    events.map((event, position) => ({ ...auditEvents.write(event), unit_id: id, position })),
  );
}

/** Which of the units were committed, although their senders may not have heard of it. */
export async function recordedAmong(db: Knex, unitIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { sql, bindings } = among(db, 'unit_id', unitIds);
  const found = await rowsOf<{ unit_id: string }>(
    db,
    `SELECT unit_id FROM audit_events WHERE ${sql} AND position = 0`,
    bindings,
  );
  return new Set(found.map(({ unit_id: id }) => id));
}
