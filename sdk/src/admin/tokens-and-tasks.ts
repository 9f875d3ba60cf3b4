import type { CallOptions } from '../agent/connection.ts';
import type { Ended } from '../agent/task.ts';
import type { Pages } from '../shared/pages.ts';
import type { TaskRow, TaskState, TokenRow } from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

/** Which tokens are looked for; what is absent restricts nothing. */
export interface TokenFilter {
  readonly clientId?: string;
  readonly taskId?: string;
  readonly parentTaskId?: string;
  readonly isValid?: boolean;
  readonly isRevoked?: boolean;
}

/** Which tasks are looked for; what is absent restricts nothing. */
export interface TaskFilter {
  readonly clientId?: string;
  readonly subject?: string;
  readonly state?: TaskState;
  readonly rootTaskId?: string;
}

/** What the revocation of a token ended. */
export interface RevokedToken {
  readonly revoked: true;
  readonly token_id: string;
  /** Unexpired tokens that ended with it, at most 1,000. */
  readonly affected_child_tokens: number;
  readonly affected_truncated: boolean;
}

/** Tokens by their public id. */
export interface AdminTokens {
  /** Newest first. */
  list(options?: ListOptions): Pages<TokenRow>;
  search(filter: TokenFilter, options?: ListOptions): Pages<TokenRow>;
  get(tokenId: string, options?: CallOptions): Promise<TokenRow>;
  /** And, unless `revokeChildren` is false, everything derived through it. */
  revoke(
    tokenId: string,
    members?: { readonly reason?: string; readonly revokeChildren?: boolean },
    options?: CallOptions,
  ): Promise<RevokedToken>;
}

/** Tasks of everybody. */
export interface AdminTasks {
  /** Newest first. */
  search(filter?: TaskFilter, options?: ListOptions): Pages<TaskRow>;
  get(taskId: string, options?: CallOptions): Promise<TaskRow>;
  /** A task and everything derived from it, each parent before its children. */
  tree(taskId: string, options?: ListOptions): Pages<TaskRow>;
  revoke(taskId: string, members?: { readonly reason?: string }, options?: CallOptions): Promise<Ended>;
}

export function adminTokens(calls: AdminCalls): AdminTokens {
  return {
    list: (options) => calls.list('/api/admin/tokens', 'tokens', {}, options),
    search: (filter, options) => calls.list('/api/admin/tokens/search', 'tokens', filter, options),
    get: (id, options) => calls.get(path`/api/admin/tokens/${id}`, {}, options),
    revoke: (id, members, options) => calls.post(path`/api/admin/tokens/${id}/revoke`, members, options),
  };
}

export function adminTasks(calls: AdminCalls): AdminTasks {
  return {
    search: (filter, options) => calls.list('/api/admin/tasks', 'tasks', filter, options),
    get: (id, options) => calls.get(path`/api/tasks/${id}`, {}, options),
    tree: (id, options) => calls.list(path`/api/tasks/${id}/tree`, 'tasks', {}, options),
    revoke: (id, members, options) => calls.post(path`/api/tasks/${id}/revoke`, members, options),
  };
}
