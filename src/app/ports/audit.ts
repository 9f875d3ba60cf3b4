import type { AuditEvent, AuditEventType, AuditOutcome } from '../../domain/audit-event.ts';
import type { Page, Paged, Slice, Sliced } from './page.ts';

export interface AuditReads {
  /** Newest first, or oldest first for a history. */
  search(filter: AuditFilter, page: Page): Promise<Paged<AuditEvent>>;
  /** The same, counted from the first. */
  slice(filter: AuditFilter, slice: Slice): Promise<Sliced<AuditEvent>>;
}

export interface AuditFilter {
  readonly clientId?: string | undefined;
  readonly userId?: string | undefined;
  readonly tokenId?: string | undefined;
  readonly taskIds?: readonly string[] | undefined;
  readonly type?: AuditEventType | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Among the details of a refusal; no index finds it. */
  readonly taskError?: string | undefined;
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly order?: 'newest' | 'oldest' | undefined;
}
