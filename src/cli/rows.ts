import type { StoredKey } from '../app/ports/keys.ts';
import type { RoleMember } from '../app/ports/roles.ts';
import type { ViewedToken } from '../app/tokens/search-tokens.ts';
import type { ViewedTask } from '../app/tasks/view-task.ts';
import { type Agent, defaultScopeOf } from '../domain/agent.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ResourceServer } from '../domain/resource-server.ts';
import { heldRights, type Role } from '../domain/role.ts';
import { formatScope } from '../domain/scope.ts';
import type { User } from '../domain/user.ts';
import type { Webhook, WebhookDelivery } from '../domain/webhook.ts';
import type { Row } from './print.ts';

export function agentRow(agent: Agent): Row {
  return {
    client_id: agent.clientId,
    agent_name: agent.name,
    description: agent.description,
    state: agent.state,
    tier: agent.tier,
    owner: agent.owner,
    permissions: agent.permissions,
    roles: agent.roles.map(({ name }) => name),
    effective_permissions: heldRights(agent),
    requested_permissions: agent.metadata['requested_permissions'] ?? [],
    default_scope: defaultScopeOf(agent),
    allowed_tools: agent.tools,
    allowed_resources: agent.resources,
    audiences: agent.audiences,
    max_depth: agent.maxDepth,
    max_children: agent.maxChildren,
    max_task_seconds: agent.maxTaskSeconds,
    challenge_waived: agent.challengeWaived,
    grant_types: agent.metadata['grant_types'] ?? [],
    token_endpoint_auth_method: agent.metadata['token_endpoint_auth_method'] ?? 'client_secret_basic',
    redirect_uris: agent.metadata['redirect_uris'] ?? [],
    created_at: iso(agent.createdAt),
    activated_at: iso(agent.activatedAt),
    deleted_at: iso(agent.deletedAt),
  };
}

/** For people: what `null` means is written out. */
export function agentText(agent: Agent): Row {
  return { ...agentRow(agent), audiences: agent.audiences ?? 'every registered one' };
}

export function userRow(user: User): Row {
  return {
    user_id: user.userId,
    email: user.email,
    name: user.name,
    state: user.state,
    permissions: user.permissions,
    roles: user.roles.map(({ name }) => name),
    effective_permissions: heldRights(user),
    created_at: iso(user.createdAt),
  };
}

export function roleRow(role: Role): Row {
  return {
    name: role.name,
    description: role.description,
    permissions: role.permissions,
    created_at: iso(role.createdAt),
    updated_at: iso(role.updatedAt),
  };
}

export function memberRow({ kind, id, name, assignedAt }: RoleMember): Row {
  return { kind, id, name, assigned_at: iso(assignedAt) };
}

export function resourceServerRow(server: ResourceServer): Row {
  return {
    client_id: server.clientId,
    name: server.name,
    audiences: server.audiences,
    scopes: server.scopes,
    token_format: server.tokenFormat,
    created_at: iso(server.createdAt),
  };
}

export function webhookRow(webhook: Webhook): Row {
  return {
    id: webhook.id,
    url: webhook.url,
    events: webhook.events,
    description: webhook.description,
    agent_id: webhook.agentId,
    owner: webhook.owner,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    consecutive_failures: webhook.failures,
    old_secret_expires_at: iso(webhook.previousEndsAt),
    created_at: iso(webhook.createdAt),
    updated_at: iso(webhook.updatedAt),
  };
}

export function deliveryRow(delivery: WebhookDelivery): Row {
  return {
    id: delivery.id,
    event: delivery.event,
    event_id: delivery.eventId,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: delivery.state === 'pending' ? iso(delivery.dueAt) : null,
    last_attempt_at: iso(delivery.attemptedAt),
    delivered_at: iso(delivery.deliveredAt),
    response_status: delivery.responseStatus,
    response_excerpt: delivery.responseExcerpt,
    error: delivery.error,
    created_at: iso(delivery.createdAt),
  };
}

export function taskRow({ task, state }: ViewedTask): Row {
  return {
    task_id: task.taskId,
    description: task.description,
    state,
    origin: task.origin,
    client_id: task.clientId,
    subject: task.subject,
    scope: formatScope(task.scope),
    tools: task.tools,
    resources: task.resources,
    audiences: task.audiences,
    root_task_id: task.rootTaskId,
    parent_task_id: task.parentTaskId,
    parent_token_id: task.parentTokenId,
    depth: task.depth,
    max_depth: task.maxDepth,
    max_children: task.maxChildren,
    child_count: task.childCount,
    delegates: task.delegates,
    verifier_bound: task.codeChallenge !== null,
    key_bound: task.keyThumbprint !== null,
    created_at: iso(task.createdAt),
    expires_at: iso(task.expiresAt),
    ended_at: iso(task.endedAt),
    ended_reason: task.endedReason,
  };
}

export function tokenRow({ token, revocation, isRevoked, isValid }: ViewedToken): Row {
  return {
    token_id: token.tokenId,
    kind: token.kind,
    is_valid: isValid,
    is_revoked: isRevoked,
    revoked_through: revocation?.kind ?? null,
    scope: formatScope(token.scope),
    audience: token.audience,
    issued_at: iso(token.issuedAt),
    expires_at: iso(token.expiresAt),
  };
}

export function auditRow(event: AuditEvent): Row {
  return {
    log_id: event.id,
    timestamp: iso(event.at),
    event_type: event.type,
    status: event.outcome,
    actor: event.actor,
    client_id: event.clientId,
    user_id: event.userId,
    token_id: event.tokenId,
    task_id: event.taskId,
    parent_task_id: event.parentTaskId,
    source_ip: event.sourceIp,
    request_id: event.requestId,
    reason: event.reason,
    details: event.details,
  };
}

export function keyRow(key: StoredKey, state: string): Row {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state,
    created_at: iso(key.createdAt),
    active_from: iso(key.activeFrom),
    retires_at: iso(key.retiresAt),
  };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
