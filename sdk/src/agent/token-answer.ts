/** What the token endpoint answers (RFC 6749 §5.1 and the members of a task). Absent where a door does not tell. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly token_id: string;
  readonly task_id: string;
  readonly parent_task_id?: string;
  readonly parent_token_id?: string;
  readonly granted_tools?: readonly string[];
  readonly granted_resources?: readonly string[];
  readonly task?: TaskMember;
  /** Seconds until the task ends, where `task` is not told. */
  readonly task_expires_in?: number;
}

/** `task` in the token response. */
export interface TaskMember {
  readonly id: string;
  readonly root: string;
  readonly depth: number;
  readonly description: string;
  readonly state: string;
  readonly audiences: readonly string[];
  readonly delegates: readonly string[];
  readonly max_depth: number;
  readonly max_children: number;
  readonly verifier_bound: boolean;
  readonly key_bound: boolean;
  /** Seconds since the epoch. */
  readonly expires_at: number;
  readonly [member: string]: unknown;
}
