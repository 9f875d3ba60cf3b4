import { errorOf } from '../shared/errors.ts';
import { atServer } from '../shared/issuer.ts';
import { wireNames } from '../shared/names.ts';
import type { AgentClient, ParentToken } from './agent.ts';
import type { CallOptions } from './connection.ts';
import type { Task } from './task.ts';
import type { TaskFetchInit } from './task-fetch.ts';
import type { TaskOptions } from './task-options.ts';
import type { TokenAnswer } from './token-answer.ts';

/** What `token.request` asks for, under the names of system A. */
export interface TokenRequest extends CallOptions {
  /** With a secret: the agent acts as this client from now on. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly scope?: string | readonly string[];
  readonly taskId?: string;
  readonly taskDescription?: string;
  readonly requiredTools?: readonly string[];
  readonly requiredResources?: readonly string[];
  readonly resource?: string | readonly string[];
  readonly delegates?: readonly string[];
  /** Seconds. */
  readonly taskExpiresIn?: number;
}

/** RFC 7662 and the members of a task. `{active: false}` for what the caller may not see. */
export interface Introspection {
  readonly active: boolean;
  readonly scope?: string;
  readonly client_id?: string;
  readonly sub?: string;
  readonly token_id?: string;
  readonly task_id?: string;
  readonly [member: string]: unknown;
}

/** What `/api/oauth/verify` answers: a member is false where something stated is not exactly so. */
export interface Verification {
  readonly is_valid: boolean;
  readonly task_context_valid: boolean;
  readonly parent_valid: boolean;
  readonly scope_inheritance_valid: boolean;
  /** Only when a tool was named. */
  readonly tool_access_valid?: boolean;
  readonly token_info?: Introspection;
}

/** What a revocation ended (RFC 7009). `affected_child_tokens` counts unexpired tokens below, at most 1,000. */
export interface Revocation {
  /** false for an unknown token, and for one that is not the caller's to revoke. */
  readonly revoked: boolean;
  readonly token_id?: string;
  readonly affected_child_tokens?: number;
  readonly affected_truncated?: boolean;
}

/**
 * The methods of the agentictrust SDK's `token`, under their names. They keep one current task: `request` opens it, the
 * others act on it unless told otherwise. Answers are those of the server, as they stand on the wire.
 */
export interface TokenCalls {
  /** Opens a task, below the parent context if one is set. */
  request(request?: TokenRequest): Promise<TokenAnswer>;
  /** Below what the next tasks are opened; null = they are roots again. */
  setParentContext(parent: Task | ParentToken | null): void;
  /** A task below the parent context, to be used with `await using`, which revokes it; with `work` see `agent.task`. */
  startTask(options?: TaskOptions): Promise<Task>;
  /** GET of an API with the current token; `/api/oauth/protected` by default. @throws TaskgrantError when it refuses. */
  callProtectedEndpoint(url?: string | URL, init?: TaskFetchInit): Promise<unknown>;
  verify(
    asked?: {
      readonly token?: string;
      readonly taskId?: string;
      readonly parentTaskId?: string;
      readonly parentToken?: string;
      readonly tool?: string;
    },
    options?: CallOptions,
  ): Promise<Verification>;
  introspect(
    asked?: {
      readonly token?: string;
      readonly includeTaskHistory?: boolean;
      readonly includeChildren?: boolean;
    },
    options?: CallOptions,
  ): Promise<Introspection>;
  /** Another access token for the current task. */
  refresh(): Promise<TokenAnswer>;
  /** Ends the current token and everything derived from it. */
  revoke(
    reason?: string,
    asked?: { readonly token?: string; readonly revokeChildren?: boolean },
    options?: CallOptions,
  ): Promise<Revocation>;
}

export function tokenCalls(agent: AgentClient): TokenCalls {
  const { connection } = agent;
  let parent: Task | ParentToken | null = null;

  async function startTask(options: TaskOptions = {}): Promise<Task> {
    if (parent === null) return agent.task(options);
    return 'child' in parent ? parent.child(options) : agent.derive(parent, options);
  }

  async function ask(
    endpoint: 'introspection_endpoint' | 'revocation_endpoint' | 'verify',
    asked: { readonly token?: string | undefined; readonly [member: string]: string | boolean | undefined },
    options: CallOptions = {},
  ): Promise<unknown> {
    const token = asked.token ?? (await (await agent.current(options)).accessToken(undefined, options));
    const form = { ...wireNames(asked), token };
    return connection.oauth({ endpoint, form: () => form, repeatable: true, signal: options.signal });
  }

  return {
    startTask,
    async request(asked = {}) {
      const { clientId, clientSecret } = asked;
      if (clientId !== undefined && clientSecret !== undefined)
        connection.credentials = { clientId, clientSecret };
      const task = await startTask(optionsOf(asked));
      agent.use(task);
      return task.answer;
    },
    setParentContext(context) {
      parent = context;
    },
    async callProtectedEndpoint(url = atServer(agent.issuer, '/api/oauth/protected'), init) {
      const response = await (await agent.current()).fetch(url, init);
      const body: unknown = await response.json().catch(() => undefined);
      const error = errorOf({ status: response.status, headers: response.headers, body });
      if (error) throw error;
      return body;
    },
    verify: async (asked = {}, options) => (await ask('verify', asked, options)) as Verification,
    introspect: async (asked = {}, options) =>
      (await ask('introspection_endpoint', asked, options)) as Introspection,
    refresh: async () => (await agent.current()).renew(),
    async revoke(reason, asked = {}, options) {
      const task = asked.token === undefined ? await agent.current() : undefined;
      const answer = (await ask('revocation_endpoint', { ...asked, reason }, options)) as Revocation;
      task?.abandon();
      return answer;
    },
  };
}

function optionsOf(asked: TokenRequest): TaskOptions {
  return {
    id: asked.taskId,
    description: asked.taskDescription,
    scope: asked.scope,
    tools: asked.requiredTools,
    resources: asked.requiredResources,
    audience: asked.resource,
    delegates: asked.delegates,
    expiresIn: asked.taskExpiresIn,
    signal: asked.signal,
  };
}
