import type { CallOptions } from '../agent/connection.ts';
import type { Pages } from '../shared/pages.ts';
import type { AuditRow, TaskRow } from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

/** Which events are looked for; what is absent restricts nothing. */
export interface AuditFilter {
  readonly clientId?: string;
  readonly userId?: string;
  readonly tokenId?: string;
  readonly taskId?: string;
  /** docs/audit-events.md names them. */
  readonly eventType?: string;
  readonly status?: 'success' | 'refused' | 'error';
  /** ISO 8601 with an offset. */
  readonly from?: string;
  readonly to?: string;
}

/** A task in its chain, with what each step passed on and what it refused. */
export interface ChainTask extends TaskRow {
  readonly via_token_id: string | null;
  readonly scope_before: string | null;
  readonly scope_after: string;
  readonly refused_widenings: AuditRow[];
}

/** The tasks of one tree, from its root on. */
export interface TaskChain {
  readonly root_task_id: string;
  readonly task_chain: readonly string[];
  readonly task_details: readonly ChainTask[];
  readonly next_cursor: string | null;
}

/** Who did what, for which task, on whose authority. */
export interface AdminAudit {
  /** Newest first. */
  logs(filter?: AuditFilter, options?: ListOptions): Pages<AuditRow>;
  /** The history of a task, oldest first. */
  ofTask(taskId: string, options?: ListOptions): Pages<AuditRow>;
  /** From the true root down to the task, then a page of its descendants. */
  chain(
    taskId: string,
    query?: { readonly limit?: number; readonly cursor?: string },
    options?: CallOptions,
  ): Promise<TaskChain>;
}

export function adminAudit(calls: AdminCalls): AdminAudit {
  return {
    logs: (filter, options) => calls.list('/api/admin/audit/logs', 'logs', filter, options),
    ofTask: (id, options) => calls.list(path`/api/admin/audit/task/${id}`, 'history', {}, options),
    chain: (id, query, options) => calls.get(path`/api/admin/audit/task-chain/${id}`, query, options),
  };
}
