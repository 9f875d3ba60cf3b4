import type { Committer, Logger } from '../app/ports.ts';
import type { UnitOfWork } from '../app/unit-of-work.ts';
import type { AuditEvent, AuditEventType } from '../domain/audit-event.ts';

/** The rotating files that audit events are copied to, beside their rows in the database. */
export interface AuditFiles {
  readonly oauth: Logger;
  readonly agentActions: Logger;
  readonly security: Logger;
}

type FileName = keyof AuditFiles;

/** Who should look at an event that succeeded. Refusals and errors always go to `security`. */
function fileOf(type: AuditEventType): FileName {
  if (/^(agent|client|task|resource_server|tool|api)_/.test(type)) return 'agentActions';
  if (/^(user|signing_key|refusals|consent|server_error|webhook)/.test(type)) return 'security';
  return 'oauth';
}

/** Copies the events of every committed unit to the files: never before the commit, never instead of it. */
export function withAuditFiles<C extends Committer>(committer: C, files: AuditFiles): C {
  return {
    ...committer,
    async commit(unit: UnitOfWork): Promise<void> {
      await committer.commit(unit);
      for (const event of unit.events) write(files, event);
    },
  };
}

function write(files: AuditFiles, event: AuditEvent): void {
  const names = new Set<FileName>([fileOf(event.type)]);
  if (event.outcome !== 'success') names.add('security');
  for (const name of names)
    files[name][event.outcome === 'success' ? 'info' : 'warn'](event.type, record(event));
}

/** Names of an event's members in the files, in the order of a line. `type` is the line's message. */
const MEMBERS = Object.entries({
  id: 'event_id',
  at: 'at',
  requestId: 'request_id',
  outcome: 'outcome',
  actor: 'actor',
  clientId: 'client_id',
  userId: 'user_id',
  tokenId: 'token_id',
  taskId: 'task_id',
  parentTaskId: 'parent_task_id',
  sourceIp: 'source_ip',
  reason: 'reason',
  details: 'details',
} satisfies Record<Exclude<keyof AuditEvent, 'type'>, string>) as [
  Exclude<keyof AuditEvent, 'type'>,
  string,
][];

/** Empty members are left out, so that a line can be read by a person. */
function record(event: AuditEvent): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [member, name] of MEMBERS) {
    if (event[member] !== null)
      line[name] = member === 'at' ? new Date(event.at).toISOString() : event[member];
  }
  return line;
}
