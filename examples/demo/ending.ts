import { drawTree } from '../../src/cli/draw-tree.ts';
import { read, write } from './access.ts';
import type { Cast } from './cast.ts';
import type { Tasks } from './delegation.ts';
import { call, expect, shown } from './http.ts';
import { allowed, chapter, columns, line, refused, styled, tell } from './screen.ts';

type Row = Record<string, unknown>;

/** What an administrator sees: every task below the true root, found from the deepest one. */
export async function drawLineage({ administrator, names }: Cast, { checking }: Tasks): Promise<void> {
  chapter('The lineage, as an administrator sees it from the deepest task');
  const deepest = await administrator.chain(checking.taskId);
  const whole = await administrator.chain(String(deepest[0]?.['task_id']));
  const oldestFirst = whole.toSorted((a, b) => shown(a, 'created_at').localeCompare(shown(b, 'created_at')));
  const nodes = oldestFirst.map((row) => ({
    id: shown(row, 'task_id'),
    parent: shown(row, 'parent_task_id') || null,
    lines: [
      `${styled('bold', shown(row, 'task_id'))}  ${names.get(shown(row, 'client_id')) ?? '?'}  ${state(row)}`,
      `“${shown(row, 'description')}”, may ${shown(row, 'scope')}`,
      ...(row['refused_widenings'] as Row[]).map(({ reason }) => styled('red', `refused: ${String(reason)}`)),
    ],
  }));
  for (const text of drawTree(nodes)) line(`   ${text}`);
}

function state(row: Row): string {
  return styled(row['state'] === 'active' ? 'green' : 'red', shown(row, 'state'));
}

/** The Planner ends the research: one row, whatever hangs below. */
export async function revoke(cast: Cast, tasks: Tasks): Promise<void> {
  const { issuer } = cast;
  const { trip, research, reading, checking, report } = tasks;
  chapter('The Planner revokes the research');
  const before = await allTokens(cast, tasks);
  const answer = await call(`${issuer}/api/tasks/${research.taskId}/revoke`, {
    token: trip.token,
    json: { reason: 'Ada changed her mind' },
  });
  const { body } = expect('the revocation', answer, 200);
  tell(
    `one ledger row for ${research.taskId}; ${shown(body, 'affected_child_tokens')} unexpired tokens below it`,
  );
  line();
  const after = await allTokens(cast, tasks);
  showTokens(before, after);
  line();
  for (const dead of [research, reading, checking]) {
    expect(`${dead.holder} after the revocation`, await read(cast, dead), 401);
    refused(`${dead.holder.padEnd(10)}  GET /notes for ${dead.taskId}`, '401 invalid_token');
  }
  expect('the writer after the revocation', await write(cast, report), 200);
  allowed(`Writer      POST /notes for ${report.taskId}: the other branch lives on`);
  const child = await cast.researcher.tryDerive(research, { code_verifier: research.verifier });
  expect('a child of a dead task', child, 400, 'parent_revoked');
  refused('the Researcher derives another child all the same', shown(child.body, 'error_description'));
  requireDead(after, [research.taskId, reading.taskId, checking.taskId]);
}

async function allTokens({ administrator }: Cast, tasks: Tasks): Promise<Row[]> {
  const found = await Promise.all(
    Object.values(tasks).map(({ taskId }) => administrator.tokensOf(String(taskId))),
  );
  return found.flat();
}

function showTokens(before: readonly Row[], after: readonly Row[]): void {
  const earlier = new Map(before.map((row) => [row['token_id'], row]));
  const rows = after.map((row) => [
    shown(row, 'task_id'),
    shown(row, 'kind'),
    shown(row, 'token_id'),
    life(earlier.get(row['token_id'])),
    life(row),
    row['revoked_through'] === null ? '' : `through its ${shown(row, 'revoked_through')}`,
  ]);
  columns([['task', 'kind', 'token_id', 'before', 'after', ''], ...rows]);
}

function life(row: Row | undefined): string {
  if (row?.['is_valid'] === true) return styled('green', 'live');
  if (row?.['is_revoked'] === true) return styled('red', 'revoked');
  return styled('dim', 'used');
}

/** The tokens of the branch are dead, all others as alive as before. */
function requireDead(after: readonly Row[], taskIds: readonly string[]): void {
  for (const row of after) {
    const dead = taskIds.includes(shown(row, 'task_id'));
    if (row['is_revoked'] !== dead) throw new Error(`wrong after the revocation: ${JSON.stringify(row)}`);
  }
}

const REMEMBERED = [
  'task_derived',
  'token_exchanged',
  'token_refused',
  'token_introspection',
  'task_revoked',
];
const PATIENCE_MS = 2000;

/** What is kept of the research, long after its tokens are gone. */
export async function printAudit(cast: Cast, { research }: Tasks): Promise<void> {
  chapter(`The audit trail of ${research.taskId}`);
  const rows = (await remembered(cast, research.taskId)).map((row) => [
    shown(row, 'timestamp').slice(11, 23),
    shown(row, 'event_type'),
    styled(row['status'] === 'success' ? 'green' : 'red', shown(row, 'status')),
    cast.names.get(shown(row, 'actor')) ?? shown(row, 'actor'),
    shown(row, 'reason'),
  ]);
  columns([['time', 'event', 'status', 'actor', 'reason'], ...rows]);
}

/** Refusals are stored a moment after they were answered, so that an attack slows nobody down. */
async function remembered({ administrator }: Cast, taskId: string): Promise<Row[]> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const history = await administrator.history(taskId);
    const types = history.map((row) => row['event_type']);
    const missing = REMEMBERED.filter((type) => !types.includes(type));
    if (missing.length === 0) return history;
    if (Date.now() > until) throw new Error(`the audit trail lacks ${missing.join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
