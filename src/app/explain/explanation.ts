import type { GrantReason } from '../../domain/grant-reason.ts';
import type { PolicyFact } from '../../domain/policy/verdict.ts';
import type { HandleKind } from '../../domain/revocation.ts';
import type { Scope } from '../../domain/scope.ts';
import type { TaskOrigin, TaskState } from '../../domain/task.ts';
import type { TokenKind } from '../../domain/task-token.ts';
import type { Liveness } from '../tokens/resolve-token.ts';

/** Everything that a token's authority rests on. Times are milliseconds since the epoch. */
export interface Explanation {
  readonly tokenId: string;
  /** Null once the token's row is gone. */
  readonly kind: TokenKind | null;
  /** `removed`: its row is gone, and it has long expired. */
  readonly state: Liveness | 'removed';
  readonly clientId: string | null;
  readonly taskId: string | null;
  readonly audience: string | null;
  readonly scope: Scope;
  readonly issuedAt: number | null;
  readonly expiresAt: number | null;
  readonly subject: ExplainedSubject | null;
  /** What ended it before its time. */
  readonly endedBy: Ending | null;
  /** From the root down to the token's own task. */
  readonly steps: readonly ExplainedStep[];
  readonly rights: readonly ExplainedRight[];
  /** What retention has removed, in words. */
  readonly unknown: readonly string[];
}

/** For whom the token acts. */
export interface ExplainedSubject {
  readonly kind: 'user' | 'agent';
  readonly id: string;
  readonly name: string | null;
}

export interface Ending {
  readonly kind: HandleKind;
  readonly handle: string;
  /** The task at which it ended: the token's own, or one above it. */
  readonly taskId: string | null;
  readonly at: number | null;
  readonly reason: string | null;
  readonly actor: string | null;
}

/** What a person approved. */
export interface ExplainedConsent {
  readonly userId: string;
  readonly grant: string;
  readonly at: number;
  readonly asked: Scope;
  readonly granted: Scope;
  /** By what the person had each right. */
  readonly heldBy: Readonly<Record<string, string>>;
}

/** The name is null once the key's row is gone. */
export interface ExplainedApiKey {
  readonly keyId: string;
  readonly name: string | null;
}

/** One task of the chain, with the edge that leads to it and the token through which the chain goes on. */
export interface ExplainedStep {
  readonly taskId: string;
  readonly clientId: string | null;
  readonly agentName: string | null;
  readonly origin: TaskOrigin | null;
  readonly depth: number;
  /** Null once the task's row is gone. */
  readonly state: TaskState | null;
  readonly openedAt: number | null;
  /** The key that opened it, if one did. */
  readonly apiKey: ExplainedApiKey | null;
  readonly consent: ExplainedConsent | null;
  /** The parent's token that it was derived through; null at the root. */
  readonly via: string | null;
  /** The hand-off token that was used for it, if one was. */
  readonly handOff: string | null;
  /** What the parent's token held; null at the root, or when it is not known any more. */
  readonly scopeBefore: Scope | null;
  readonly scopeAfter: Scope;
  /** Of this task, or the explained token itself: through which the chain goes on. */
  readonly tokenId: string;
  /** What the policies said when it was handed off, opened, and when that token was issued. */
  readonly policy: {
    readonly handOff: readonly PolicyFact[];
    readonly opened: readonly PolicyFact[];
    readonly issued: readonly PolicyFact[];
  };
  /** Why that token had each right, as it was recorded. */
  readonly grantedBy: Readonly<Record<string, string>>;
}

/** Where one right of the token comes from. */
export interface ExplainedRight {
  readonly right: string;
  /** What the person approved that includes it, if a person did. */
  readonly consented: string | null;
  readonly path: readonly RightAtStep[];
}

export interface RightAtStep {
  readonly taskId: string;
  readonly clientId: string | null;
  /** The right that includes it: in the parent's token, and in the task. */
  readonly before: string | null;
  readonly after: string | null;
  /** As recorded when the token was issued: `permission`, `role:…`, `parent`, `consent`. */
  readonly grantedBy: string | null;
  /** By what the agent may hold it now; null when it may not any more. */
  readonly ceiling: GrantReason | null;
}
