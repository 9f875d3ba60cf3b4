import type { AuditEvent, AuditEventType, AuditOutcome, RequestOrigin } from '../../domain/audit-event.ts';
import type { AppContext } from '../context.ts';
import type { Guard, UnitOfWork } from '../unit-of-work.ts';

/** Who asks for something, and from where. */
export interface Caller {
  /** Client id or user id, `cli` or `system`; null when nobody was authenticated. */
  readonly actor: string | null;
  readonly origin: RequestOrigin | null;
  /** What was shown, and must not have been revoked by the time that something is committed because of it. */
  readonly standsOn?: readonly Guard[];
}

export interface Fact {
  readonly type: AuditEventType;
  readonly outcome?: AuditOutcome;
  readonly clientId?: string | null | undefined;
  readonly userId?: string | null | undefined;
  readonly tokenId?: string | null | undefined;
  readonly taskId?: string | null | undefined;
  readonly parentTaskId?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly details?: Record<string, unknown>;
}

/** One audit event, stamped with the time and the caller. */
export function auditEvent(
  { clock, ids }: Pick<AppContext, 'clock' | 'ids'>,
  caller: Caller,
  fact: Fact,
): AuditEvent {
  return {
    id: ids.next(),
    at: clock.now(),
    type: fact.type,
    outcome: fact.outcome ?? 'success',
    actor: caller.actor,
    clientId: fact.clientId ?? null,
    userId: fact.userId ?? null,
    tokenId: fact.tokenId ?? null,
    taskId: fact.taskId ?? null,
    parentTaskId: fact.parentTaskId ?? null,
    sourceIp: caller.origin?.sourceIp ?? null,
    requestId: caller.origin?.requestId ?? null,
    reason: fact.reason ?? null,
    details: fact.details ?? {},
  };
}

/**
 * A unit of work that stands on what its caller has shown: changes and the facts that tell of them. At least one fact: by it the store recognises
 * a unit whose commit was not confirmed.
 */
export function unitOf(
  context: Pick<AppContext, 'clock' | 'ids'>,
  caller: Caller,
  changes: UnitOfWork['changes'],
  ...facts: [Fact, ...Fact[]]
): UnitOfWork {
  return {
    id: context.ids.ordered(context.clock.now()),
    guards: caller.standsOn ?? [],
    changes,
    events: facts.map((fact) => auditEvent(context, caller, fact)),
  };
}
