import type { Lineage } from './lineage.ts';
import type { Scope } from './scope.ts';

export type EndedState = 'completed' | 'failed' | 'revoked';
export type StoredTaskState = 'active' | EndedState;
/** `expired` is never stored: it is computed from `expiresAt` on read. */
export type TaskState = StoredTaskState | 'expired';

export const TASK_ORIGINS = [
  'client_credentials',
  'authorization_code',
  'token_exchange',
  'api_key',
] as const;
export type TaskOrigin = (typeof TASK_ORIGINS)[number];

/** The authority that a task or a token holds; what a child may only narrow. */
export interface Authority {
  readonly scope: Scope;
  /** Audiences (RFC 8707 resources) that tokens may be issued for; the first is the default. */
  readonly audiences: readonly string[];
  /** Tool names (`required_tools`, RFC 9396 `actions`). */
  readonly tools: readonly string[];
  /** Names within an audience (`required_resources`), never audiences (R12). */
  readonly resources: readonly string[];
}

/** A unit of work. Times are milliseconds since the epoch. */
export interface Task extends Authority {
  /** R3: server-generated; stands for the task in the ledger. */
  readonly handle: string;
  readonly taskId: string;
  readonly description: string;
  readonly state: StoredTaskState;
  readonly origin: TaskOrigin;
  readonly clientId: string;
  readonly clientEpoch: number;
  /** `sub` of every token of the task: a user id or a client id. */
  readonly subject: string;
  readonly subjectKind: 'user' | 'agent';
  readonly subjectEpoch: number;
  /** Handle of the authorization or refresh family (R3). */
  readonly grant: string;
  readonly rootTaskId: string;
  readonly parentTaskId: string | null;
  readonly parentTokenId: string | null;
  readonly lineage: Lineage;
  readonly depth: number;
  /** R5: levels still allowed below; 0 = leaf. */
  readonly maxDepth: number;
  readonly maxChildren: number;
  readonly childCount: number;
  /** Client ids that may derive children besides the task's own client. */
  readonly delegates: readonly string[];
  /** S256 challenge that later extensions must answer (R7), or null. */
  readonly codeChallenge: string | null;
  /** RFC 7638 thumbprint of the key that the task is bound to, or null. */
  readonly keyThumbprint: string | null;
  /** Issued under a waiver: no refresh, no re-issue, no children. */
  readonly leaf: boolean;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly endedAt: number | null;
  readonly endedReason: string | null;
}

/** The state of the task itself; ancestors and agents are the ledger's business (see revocation.ts). */
export function taskState(task: Pick<Task, 'state' | 'expiresAt'>, now: number): TaskState {
  if (task.state !== 'active') return task.state;
  return task.expiresAt <= now ? 'expired' : 'active';
}
