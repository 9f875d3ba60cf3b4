/** What the REST API answers, as it stands on the wire (described at `/openapi.json`). Times are ISO 8601 in UTC. */

/** Where an agent stands: it acts while it is `active`. */
export type AgentState = 'pending' | 'active' | 'suspended' | 'revoked';
/** How many requests an agent may make. */
export type Tier = 'free' | 'pro' | 'enterprise';

/** An agent. Name, description and statements are its own words: untrusted. */
export interface AgentRow {
  readonly client_id: string;
  readonly agent_name: string;
  readonly description: string;
  readonly state: AgentState;
  readonly is_active: boolean;
  readonly tier: Tier;
  /** Id of the user who answers for the agent. */
  readonly owner: string | null;
  readonly permissions: string[];
  readonly roles: string[];
  /** Rights that it may ever be granted: its own and those of its roles. */
  readonly effective_permissions: string[];
  readonly requested_permissions: string[];
  /** What a request that names no scope gets. */
  readonly default_scope: string[];
  readonly allowed_tools: string[];
  readonly requested_tools: string[];
  readonly allowed_resources: string[];
  readonly requested_resources: string[];
  /** null = every audience. */
  readonly audiences: string[] | null;
  readonly max_depth: number | null;
  readonly max_children: number | null;
  readonly max_task_seconds: number | null;
  readonly challenge_waived: boolean;
  readonly grant_types: string[];
  readonly token_endpoint_auth_method: string;
  readonly redirect_uris: string[];
  readonly statements: Record<string, string>;
  readonly created_at: string;
  readonly activated_at: string | null;
  readonly deleted_at: string | null;
}

/** An agent under the names of `/agents/*`. */
export interface AgentAuthRow {
  readonly agent_id: string;
  readonly name: string;
  readonly description: string;
  readonly owner_email: string | null;
  readonly permissions: string[];
  /** Asked for and not granted: an administrator decides. */
  readonly pending_permissions: string[];
  readonly tier: Tier;
  readonly status: AgentState;
  readonly created_at: string;
}

/** Where a task stands; all but `active` are final. */
export type TaskState = 'active' | 'completed' | 'failed' | 'revoked' | 'expired';

/** A task. The description is display text of its agent: untrusted. */
export interface TaskRow {
  readonly task_id: string;
  readonly description: string;
  readonly state: TaskState;
  readonly origin: 'authorization_code' | 'client_credentials' | 'token_exchange' | 'api_key';
  readonly client_id: string;
  readonly subject: string;
  readonly subject_kind: 'user' | 'agent';
  readonly scope: string;
  readonly tools: string[];
  readonly resources: string[];
  readonly audiences: string[];
  readonly root_task_id: string;
  readonly parent_task_id: string | null;
  readonly parent_token_id: string | null;
  readonly depth: number;
  readonly max_depth: number;
  readonly max_children: number;
  readonly child_count: number;
  readonly delegates: string[];
  readonly verifier_bound: boolean;
  readonly key_bound: boolean;
  readonly created_at: string;
  readonly expires_at: string;
  readonly ended_at: string | null;
  readonly ended_reason: string | null;
}

/** A token as administrators see it; its value is nowhere. */
export interface TokenRow {
  readonly token_id: string;
  readonly client_id: string;
  readonly subject: string;
  readonly kind: 'access' | 'refresh' | 'handoff';
  readonly audience: string | null;
  readonly scope: string;
  readonly granted_tools: string[];
  readonly granted_resources: string[];
  readonly task_id: string;
  readonly parent_task_id: string | null;
  readonly parent_token_id: string | null;
  readonly task_description: string;
  readonly issued_at: string;
  readonly expires_at: string;
  /** The token or anything it depends on was revoked. */
  readonly is_revoked: boolean;
  readonly is_valid: boolean;
  readonly revoked_at: string | null;
  readonly revocation_reason: string | null;
  readonly revoked_through: 'token' | 'token_self' | 'task' | 'grant' | 'agent' | 'user' | null;
}

/** One event of the audit trail. `event_type`: docs/audit-events.md. */
export interface AuditRow {
  readonly log_id: string;
  readonly client_id: string | null;
  readonly user_id: string | null;
  readonly token_id: string | null;
  readonly task_id: string | null;
  readonly parent_task_id: string | null;
  readonly event_type: string;
  readonly timestamp: string;
  readonly status: 'success' | 'refused' | 'error';
  readonly source_ip: string | null;
  readonly request_id: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly details: Record<string, unknown>;
}

/** One event as the agent that it is about sees it. */
export interface ActivityRow {
  readonly id: string;
  readonly agent_id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly status: 'success' | 'failure';
  readonly message: string | null;
  readonly ip_address: string | null;
  readonly task_id: string | null;
  readonly token_id: string | null;
  readonly details: Record<string, unknown>;
}

/** Where a part of a counted list lies in it. */
export interface Pagination {
  readonly offset: number;
  readonly limit: number;
  readonly count: number;
  /** Counted up to 10,000. */
  readonly total: number;
  readonly total_truncated: boolean;
  readonly has_more: boolean;
}

/** An API that tokens are for. */
export interface ResourceServerRow {
  readonly client_id: string;
  readonly name: string;
  readonly audiences: string[];
  /** Rights that it knows; null = any. */
  readonly scopes: string[] | null;
  readonly token_format: 'jwt' | 'opaque';
  readonly created_at: string;
}

/** A named set of permissions. */
export interface RoleRow {
  readonly name: string;
  readonly description: string;
  readonly permissions: string[];
  readonly created_at: string;
  readonly updated_at: string;
}

/** An agent or a person that has a role. */
export interface RoleMemberRow {
  readonly kind: 'agent' | 'user';
  readonly id: string;
  readonly name: string;
  readonly assigned_at: string;
}

/** A person who may approve and sign in. */
export interface UserRow {
  readonly user_id: string;
  readonly email: string;
  readonly name: string;
  readonly state: 'active' | 'disabled';
  readonly permissions: string[];
  readonly roles: string[];
  readonly effective_permissions: string[];
  readonly created_at: string;
}

/** An API key; its value is nowhere. */
export interface ApiKeyRow {
  readonly key_id: string;
  readonly name: string;
  /** What the value begins with, up to the secret. */
  readonly prefix: string;
  readonly state: 'active' | 'replaced' | 'expired' | 'revoked';
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
  readonly replaced_by: string | null;
}

/** A webhook; its secret is nowhere. */
export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  readonly events: string[];
  readonly description: string;
  /** The agent that it hears of; null = everything. */
  readonly agent_id: string | null;
  readonly owner: string | null;
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly consecutive_failures: number;
  readonly old_secret_expires_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A new client secret, shown this once. */
export interface SecretRow {
  readonly client_id: string;
  readonly client_secret: string;
  /** Until then the replaced secrets work too. */
  readonly old_secrets_expire_at: string;
}

/** One delivery of an event to a webhook. */
export interface DeliveryRow {
  /** The field `webhook-id`: the same at each attempt. */
  readonly id: string;
  readonly webhook_id: string;
  readonly event: string;
  /** `log_id` of the audit event. */
  readonly event_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_attempt_at: string | null;
  readonly delivered_at: string | null;
  readonly response_status: number | null;
  readonly response_excerpt: string | null;
  readonly error: string | null;
  readonly duration_ms: number | null;
  readonly created_at: string;
}
