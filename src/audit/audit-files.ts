import type { Committer, Logger } from '../app/ports.ts';
import type { KeyStore } from '../app/ports/keys.ts';
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

/** Copies the events of every commit to the files: never before the commit, never instead of it. */
export function withAuditFiles<C extends Committer & { readonly keys: KeyStore }>(
  store: C,
  files: AuditFiles,
): C {
  return {
    ...store,
    keys: keysWithFiles(store.keys, files),
    async commit(unit: UnitOfWork): Promise<void> {
      await store.commit(unit);
      for (const event of unit.events) write(files, event);
    },
  };
}

function keysWithFiles(keys: KeyStore, files: AuditFiles): KeyStore {
  return {
    ...keys,
    async exclusively(work) {
      let events: AuditEvent[] = [];
      const done = await keys.exclusively((exclusive) => {
        // The work may begin anew.
        events = [];
        return work({
          ...exclusive,
          async record(told) {
            await exclusive.record(told);
            events.push(...told.events);
          },
        });
      });
      for (const event of events) write(files, event);
      return done;
    },
  };
}

function write(files: AuditFiles, event: AuditEvent): void {
  const name = fileOf(event.type);
  const fields = record(event);
  if (event.outcome === 'success') {
    files[name].info(event.type, fields);
    return;
  }
  files[name].warn(event.type, fields);
  if (name !== 'security') files.security.warn(event.type, fields);
}

/** The event's members in the order of a line, whose message is the type. Undefined ones are not written. */
function record(event: AuditEvent) {
  return {
    event_id: event.id,
    at: new Date(event.at).toISOString(),
    request_id: event.requestId ?? undefined,
    outcome: event.outcome,
    actor: event.actor ?? undefined,
    client_id: event.clientId ?? undefined,
    user_id: event.userId ?? undefined,
    token_id: event.tokenId ?? undefined,
    task_id: event.taskId ?? undefined,
    parent_task_id: event.parentTaskId ?? undefined,
    source_ip: event.sourceIp ?? undefined,
    reason: event.reason ?? undefined,
    details: event.details,
  };
}
