import { randomBytes } from 'node:crypto';
import type { Change, UnitOfWork } from '../../src/app/unit-of-work.ts';
import type { Agent } from '../../src/domain/agent.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { extendLineage } from '../../src/domain/lineage.ts';
import type { Task } from '../../src/domain/task.ts';
import type { TaskToken } from '../../src/domain/task-token.ts';
import type { User } from '../../src/domain/user.ts';

/** The moment at which test data begins, in milliseconds since the epoch. */
export const T0 = 1_800_000_000_000;
const HOUR = 3_600_000;

/** Like the ids of the server: 128 random bits in base64url. */
export function anId(): string {
  return randomBytes(16).toString('base64url');
}

/** An active agent with a few rights. */
export function anAgent(over: Partial<Agent> = {}): Agent {
  return {
    clientId: `agent-${anId()}`,
    kind: 'agent',
    name: 'Research agent',
    description: 'Reads reports and summarises them',
    owner: null,
    state: 'active',
    epoch: 0,
    tier: 'free',
    challengeWaived: false,
    metadata: { grant_types: ['client_credentials'] },
    permissions: ['reports:read', 'reports:write'],
    defaultScope: ['reports:read'],
    roles: [],
    tools: ['search'],
    resources: [],
    audiences: null,
    maxDepth: null,
    maxChildren: null,
    maxTaskSeconds: null,
    createdAt: T0,
    activatedAt: T0,
    deletedAt: null,
    ...over,
  };
}

export function aUser(over: Partial<User> = {}): User {
  const userId = over.userId ?? `user-${anId()}`;
  return {
    userId,
    email: `${userId.toLowerCase()}@example.com`,
    name: 'Ada',
    state: 'active',
    epoch: 0,
    permissions: ['reports:read'],
    roles: [],
    createdAt: T0,
    ...over,
  };
}

/** An active root task of an hour. */
export function aTask(over: Partial<Task> = {}): Task {
  const taskId = over.taskId ?? `task-${anId()}`;
  const clientId = over.clientId ?? 'agent-a';
  return {
    handle: anId(),
    taskId,
    description: 'Summarise the quarterly reports',
    state: 'active',
    origin: 'client_credentials',
    clientId,
    clientEpoch: 0,
    subject: clientId,
    subjectKind: 'agent',
    subjectEpoch: 0,
    grant: anId(),
    rootTaskId: taskId,
    parentTaskId: null,
    parentTokenId: null,
    lineage: [],
    depth: 0,
    maxDepth: 4,
    maxChildren: 10,
    childCount: 0,
    scope: ['reports:read'],
    audiences: ['https://api.example.com'],
    tools: ['search'],
    resources: [],
    delegates: [],
    codeChallenge: null,
    keyThumbprint: null,
    leaf: false,
    createdAt: T0,
    expiresAt: T0 + HOUR,
    endedAt: null,
    endedReason: null,
    ...over,
  };
}

/** A task derived from `parent` through the token `via`. */
export function aChild(parent: Task, via: string, over: Partial<Task> = {}): Task {
  return aTask({
    rootTaskId: parent.rootTaskId,
    parentTaskId: parent.taskId,
    parentTokenId: via,
    lineage: extendLineage(parent, via),
    depth: parent.depth + 1,
    maxDepth: parent.maxDepth - 1,
    subject: parent.subject,
    subjectKind: parent.subjectKind,
    expiresAt: parent.expiresAt,
    ...over,
  });
}

/** An opaque access token of ten minutes for the task. */
export function aToken(task: Task, over: Partial<TaskToken> = {}): TaskToken {
  return {
    tokenId: anId(),
    kind: 'access',
    digest: anId(),
    jwtDigest: null,
    format: 'opaque',
    taskHandle: task.handle,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    parentTokenId: task.parentTokenId,
    clientId: task.clientId,
    subject: task.subject,
    audience: task.audiences[0] ?? null,
    grant: task.grant,
    delegateTo: null,
    redeemedAs: null,
    detailed: false,
    generation: 0,
    consumedAt: null,
    keyThumbprint: task.keyThumbprint,
    scope: task.scope,
    audiences: task.audiences,
    tools: task.tools,
    resources: task.resources,
    issuedAt: T0,
    expiresAt: T0 + HOUR / 6,
    revokedAt: null,
    revocationReason: null,
    statusList: null,
    statusIndex: null,
    ...over,
  };
}

export function anEvent(over: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: anId(),
    at: T0,
    type: 'token_issued',
    outcome: 'success',
    actor: 'agent-a',
    clientId: 'agent-a',
    userId: null,
    tokenId: null,
    taskId: null,
    parentTaskId: null,
    sourceIp: '192.0.2.1',
    requestId: anId(),
    reason: null,
    details: {},
    ...over,
  };
}

/** Changes with one event that tells of them. */
export function aUnit(changes: readonly Change[], over: Partial<UnitOfWork> = {}): UnitOfWork {
  return { id: anId(), guards: [], changes, events: [anEvent()], ...over };
}
