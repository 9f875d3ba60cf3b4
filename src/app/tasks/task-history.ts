import type { AuditEvent } from '../../domain/audit-event.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';

/** What happened to one task, oldest first; kept longer than the task itself. */
export function taskHistory({ store }: AppContext, taskId: string, page: Page): Promise<Paged<AuditEvent>> {
  return store.audit.search({ taskIds: [taskId], order: 'oldest' }, page);
}
