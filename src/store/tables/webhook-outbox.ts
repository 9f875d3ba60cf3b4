import type { Knex } from 'knex';
import type {
  Attempted,
  ClaimedDelivery,
  PartOfDue,
  Waiting,
  WebhookOutbox,
} from '../../app/ports/webhooks.ts';
import { auditEvents } from './audit-events.ts';
import { toJson } from '../sql/json.ts';
import type { Mapping } from '../sql/mapping.ts';
import { among, hitsOf, inputs, isPostgres, type Row, rowsOf } from '../sql/statements.ts';
import { deliveries, webhooks } from './webhooks.ts';

/** Everything but the notice about commits, which the committer gives. */
export function webhookOutbox(db: Knex): Omit<WebhookOutbox, 'onRecorded'> {
  return {
    due: (now, part) => due(db, now, part),
    claim: (seqs, lease) => claim(db, seqs, lease),
    settle: (attempts) => settle(db, attempts),
    ...(isPostgres(db) ? {} : { releaseAll: () => releaseAll(db) }),
  };
}

async function releaseAll(db: Knex): Promise<void> {
  const sql = 'UPDATE webhook_deliveries SET lease = NULL, leased_until = NULL WHERE lease IS NOT NULL';
  await hitsOf(db, sql, []);
}

/**
 * Steps from one lane's oldest to the next one's, so a long queue behind it costs nothing. First within the webhook: the
 * embedded database would look for both at once by the webhook alone, and read all its lanes for each of them.
 */
const HEADS = `WITH RECURSIVE heads(seq) AS (
    SELECT (SELECT seq FROM webhook_deliveries WHERE state = 'pending' ORDER BY webhook_id, lane, seq LIMIT 1)
    UNION ALL
    SELECT COALESCE(
      (SELECT later.seq FROM webhook_deliveries later
        WHERE later.state = 'pending' AND later.webhook_id = head.webhook_id AND later.lane > head.lane
        ORDER BY later.webhook_id, later.lane, later.seq LIMIT 1),
      (SELECT later.seq FROM webhook_deliveries later
        WHERE later.state = 'pending' AND later.webhook_id > head.webhook_id
        ORDER BY later.webhook_id, later.lane, later.seq LIMIT 1))
    FROM heads JOIN webhook_deliveries head ON head.seq = heads.seq
  )`;

/** As partyOf (domain/webhook.ts). */
const PARTY = 'COALESCE(w.owner, w.id)';

async function due(db: Knex, now: number, { except, mostOfParty, most, after }: PartOfDue) {
  const turn = after === undefined ? '' : 'CASE WHEN party > ? THEN 0 ELSE 1 END, party,';
  const [hosts, parties] = [among(db, 'w.host', except.hosts), among(db, PARTY, except.parties)];
  return rowsOf<Waiting & { seq: number }>(
    db,
    `${HEADS}, waiting AS (
       SELECT d.seq AS seq, d.due_at AS due_at, w.host AS host, ${PARTY} AS party,
         ROW_NUMBER() OVER (PARTITION BY ${PARTY} ORDER BY d.due_at, d.seq) AS nth
       FROM heads JOIN webhook_deliveries d ON d.seq = heads.seq JOIN webhooks w ON w.id = d.webhook_id
       WHERE w.enabled AND d.due_at <= ? AND (d.leased_until IS NULL OR d.leased_until <= ?)
         AND NOT (${hosts.sql}) AND NOT (${parties.sql}))
     SELECT seq, host, party FROM waiting WHERE nth <= ? ORDER BY nth, ${turn} due_at, seq LIMIT ?`,
    [
      now,
      now,
      ...hosts.bindings,
      ...parties.bindings,
      mostOfParty,
      ...(after === undefined ? [] : [after]),
      most,
    ],
  );
}

async function claim(
  db: Knex,
  seqs: readonly number[],
  { id, now, until }: { readonly id: string; readonly now: number; readonly until: number },
): Promise<readonly ClaimedDelivery[]> {
  const those = among(db, 'seq', seqs);
  const free = `SELECT seq FROM webhook_deliveries WHERE ${those.sql} AND state = 'pending' AND due_at <= ?
    AND (leased_until IS NULL OR leased_until <= ?) AND webhook_id IN (SELECT id FROM webhooks WHERE enabled)
    ${isPostgres(db) ? 'FOR UPDATE SKIP LOCKED' : ''}`;
  const sql = `UPDATE webhook_deliveries SET lease = ?, leased_until = ?, attempts = attempts + 1
    WHERE seq IN (${free})`;
  const taken = await hitsOf(db, sql, [id, until, ...those.bindings, now, now]);
  if (taken === 0) return [];
  const found = await claimed(db, id);
  if (found.length < taken) await giveUpForgotten(db, id);
  return found;
}

/** An event that is not kept any more cannot be told. */
async function giveUpForgotten(db: Knex, lease: string): Promise<void> {
  const sql = `UPDATE webhook_deliveries SET state = 'dead', error = 'its event is not kept any more',
      lease = NULL, leased_until = NULL
    WHERE lease = ? AND NOT EXISTS (SELECT 1 FROM audit_events e
      WHERE e.unit_id = webhook_deliveries.unit_id AND e.position = webhook_deliveries.position)`;
  await hitsOf(db, sql, [lease]);
}

/** What a lease holds, with the webhooks and the events. */
async function claimed(db: Knex, lease: string): Promise<readonly ClaimedDelivery[]> {
  const columns = [...named('d', deliveries), ...named('w', webhooks), ...named('e', auditEvents)].join(', ');
  const rows = await rowsOf<Row & { seq: number }>(
    db,
    `SELECT d.seq AS seq, ${columns} FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
     JOIN audit_events e ON e.unit_id = d.unit_id AND e.position = d.position
     WHERE d.lease = ? ORDER BY d.seq`,
    [lease],
  );
  const [delivery, webhook, event] = [
    deliveries.readPrefixed('d_'),
    webhooks.readPrefixed('w_'),
    auditEvents.readPrefixed('e_'),
  ];
  return rows.map((row) => ({
    seq: row.seq,
    lease,
    delivery: delivery(row),
    webhook: webhook(row),
    event: event(row),
  }));
}

function named(table: string, { columns }: Pick<Mapping<object>, 'columns'>): string[] {
  return columns.map((column) => `${table}.${column} AS ${table}_${column}`);
}

const ATTEMPT = {
  seq: 'bigint',
  lease: 'text',
  state: 'text',
  due_at: 'bigint',
  attempted_at: 'bigint',
  response_status: 'bigint',
  response_excerpt: 'text',
  error: 'text',
  duration_ms: 'bigint',
} as const;

/** INVARIANT: an attempt whose lease has run out and was taken over changes nothing. */
async function settle(db: Knex, attempts: readonly Attempted[]) {
  const rows = attempts.map((one) => ({
    seq: one.seq,
    lease: one.lease,
    state: one.state,
    due_at: one.dueAt,
    attempted_at: one.attemptedAt,
    response_status: one.responseStatus,
    response_excerpt: one.responseExcerpt,
    error: one.error,
    duration_ms: one.durationMs,
  }));
  const settled = await rowsOf<{ webhook_id: string; state: string }>(
    db,
    `UPDATE webhook_deliveries SET state = input.state, due_at = input.due_at, attempted_at = input.attempted_at,
       delivered_at = CASE WHEN input.state = 'delivered' THEN input.attempted_at + input.duration_ms END,
       response_status = input.response_status, response_excerpt = input.response_excerpt, error = input.error,
       duration_ms = input.duration_ms, lease = NULL, leased_until = NULL
     FROM ${inputs(db, ATTEMPT)}
     WHERE webhook_deliveries.seq = input.seq AND webhook_deliveries.lease = input.lease
     RETURNING webhook_deliveries.webhook_id AS webhook_id, webhook_deliveries.state AS state`,
    [toJson(rows)],
  );
  const of = (state: string) =>
    settled.filter((one) => one.state === state).map(({ webhook_id: webhookId }) => webhookId);
  await forgiven(db, of('delivered'));
  return countedDead(db, of('dead'));
}

async function forgiven(db: Knex, webhookIds: readonly string[]): Promise<void> {
  if (webhookIds.length === 0) return;
  const those = among(db, 'id', [...new Set(webhookIds)]);
  await hitsOf(db, `UPDATE webhooks SET failures = 0 WHERE failures > 0 AND ${those.sql}`, those.bindings);
}

async function countedDead(db: Knex, webhookIds: readonly string[]) {
  const counted: { webhookId: string; failures: number }[] = [];
  for (const [webhookId, dead] of Map.groupBy(webhookIds, (id) => id)) {
    const sql = 'UPDATE webhooks SET failures = failures + ? WHERE id = ? RETURNING failures';
    const [row] = await rowsOf<{ failures: number }>(db, sql, [dead.length, webhookId]);
    if (row) counted.push({ webhookId, failures: row.failures });
  }
  return counted;
}
