import type { Scope } from './scope.ts';

/** What a request asks for, read from either form (simple parameters or one RFC 9396 `agent_task` object). */
export interface TaskRequest {
  readonly taskId?: string | undefined;
  readonly description?: string | undefined;
  /** Absent: the agent's default at a root, parent ∩ ceiling in a child. */
  readonly scope?: Scope | undefined;
  /** RFC 8707 resources, already resolved to registered audiences. */
  readonly audiences?: readonly string[] | undefined;
  /** Absent: inherited; `[]`: none (R1). */
  readonly tools?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly delegates?: readonly string[] | undefined;
  readonly maxDepth?: number | undefined;
  readonly maxChildren?: number | undefined;
  /** Requested life of the task, in seconds. */
  readonly expiresIn?: number | undefined;
  readonly codeChallenge?: string | undefined;
  /** S256 of the presented `code_verifier`. */
  readonly answer?: string | undefined;
  /** RFC 7638 thumbprint of the key that the request proves (DPoP). */
  readonly keyThumbprint?: string | undefined;
  readonly parentTaskId?: string | undefined;
}

/** Limits of the server (configuration). Durations are in seconds. */
export interface ServerLimits {
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly handOffSeconds: number;
  readonly taskDefaultSeconds: number;
  readonly taskMaxSeconds: number;
  readonly codeTaskSeconds: number;
  readonly refreshGraceSeconds: number;
  readonly maxDepth: number;
  readonly maxChildren: number;
}

/** An audience that tokens can be issued for, and the rights that its resource server knows (`null` = any). */
export interface Audience {
  readonly audience: string;
  readonly scopes: Scope | null;
  readonly tokenFormat: 'jwt' | 'opaque';
}
