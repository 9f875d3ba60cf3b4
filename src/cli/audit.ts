import type { Command } from 'commander';
import { AUDIT_EVENT_TYPES, type AuditEventType, type AuditOutcome } from '../domain/audit-event.ts';
import { instant, oneOf, type PageOptions, pageOf, printPage, withPages } from './options.ts';
import { auditRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

const OUTCOMES = ['success', 'refused', 'error'] as const satisfies AuditOutcome[];
const COLUMNS = ['timestamp', 'event_type', 'status', 'actor', 'client_id', 'task_id', 'reason'];

interface SearchOptions extends PageOptions {
  readonly client?: string;
  readonly user?: string;
  readonly token?: string;
  readonly task?: string;
  readonly type?: AuditEventType;
  readonly status?: AuditOutcome;
  readonly from?: number;
  readonly to?: number;
  readonly oldest?: boolean;
}

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('Who did what, for which task, on whose authority.');
  withPages(audit.command('search'))
    .description('Search the audit trail, newest first. docs/audit-events.md describes the types.')
    .option('--client <client_id>')
    .option('--user <user_id>')
    .option('--token <token_id>')
    .option('--task <task_id>')
    .option('--type <event_type>', 'such as token_issued', oneOf(AUDIT_EVENT_TYPES))
    .option('--status <status>', `one of ${OUTCOMES.join(', ')}`, oneOf(OUTCOMES))
    .option('--from <time>', 'such as 2026-01-31T09:00:00Z', instant)
    .option('--to <time>', 'inclusive', instant)
    .option('--oldest', 'oldest first')
    .action(inSession(search));
}

async function search({ context }: Session, options: SearchOptions): Promise<void> {
  const { client, user, token, task, type, status, from, to, oldest } = options;
  const filter = {
    clientId: client,
    userId: user,
    tokenId: token,
    taskIds: task === undefined ? undefined : [task],
    type,
    outcome: status,
    from,
    to,
    order: oldest ? ('oldest' as const) : ('newest' as const),
  };
  const found = await context.store.audit.search(filter, pageOf(options));
  printPage(options, 'logs', found, auditRow, COLUMNS);
}
