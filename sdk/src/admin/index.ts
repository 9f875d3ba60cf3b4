/** Administration: who did what on whose authority, and cutting it off. For programs with an administrator's client. */
import { AgentClient, type AgentOptions } from '../agent/agent.ts';
import type { CallOptions } from '../agent/connection.ts';
import { noContext } from '../agent/task-context.ts';
import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { type AdminAgents, adminAgents } from './agents.ts';
import { type AdminAudit, adminAudit } from './audit.ts';
import { adminCalls } from './calls.ts';
import {
  type AdminPermissions,
  adminPermissions,
  type AdminResourceServers,
  adminResourceServers,
  type AdminRoles,
  adminRoles,
} from './registry.ts';
import { type AdminTasks, adminTasks, type AdminTokens, adminTokens } from './tokens-and-tasks.ts';
import { type AdminUsers, adminUsers } from './users.ts';
import { type AdminWebhooks, adminWebhooks } from './webhooks.ts';

export { TaskgrantError } from '../shared/errors.ts';
export type { Page, Pages } from '../shared/pages.ts';
export type * from '../shared/rows.ts';
export type { AdminAgents, AdminKeys, AgentEdits } from './agents.ts';
export type { AdminAudit, AuditFilter, ChainTask, TaskChain } from './audit.ts';
export type { ListOptions } from './calls.ts';
export type {
  AdminPermissions,
  AdminResourceServers,
  AdminRoles,
  ResourceServerTerms,
} from './registry.ts';
export type { AdminTasks, AdminTokens, RevokedToken, TaskFilter, TokenFilter } from './tokens-and-tasks.ts';
export type { AdminUsers, Consent } from './users.ts';
export type { AdminWebhooks, WebhookTerms } from './webhooks.ts';

/** Which server, and the client that administers it. */
export interface AdminOptions extends Omit<AgentOptions, 'apiKey' | 'audience' | 'origins'> {
  /** Rights. Default: `admin:read admin:write`. */
  readonly scope?: string | readonly string[] | undefined;
}

/** How many there are of everything. */
export interface Dashboard {
  readonly agents: Readonly<Record<'pending' | 'active' | 'suspended' | 'revoked', number>>;
  readonly users: number;
  readonly resource_servers: number;
  readonly tasks: Readonly<Record<'active' | 'completed' | 'failed' | 'revoked' | 'expired', number>>;
  readonly tokens: Readonly<Record<'active' | 'expired' | 'revoked', number>>;
  readonly revocations: number;
  readonly audit_events: number;
}

/** An administrator's client. Every call throws TaskgrantError; rows are as they stand on the wire. */
export interface Admin extends AsyncDisposable {
  readonly tokens: AdminTokens;
  readonly tasks: AdminTasks;
  readonly audit: AdminAudit;
  readonly agents: AdminAgents;
  readonly resourceServers: AdminResourceServers;
  readonly roles: AdminRoles;
  readonly permissions: AdminPermissions;
  readonly users: AdminUsers;
  readonly webhooks: AdminWebhooks;
  dashboard(options?: CallOptions): Promise<Dashboard>;
  /** Revokes its own token and forgets its secret. */
  close(): Promise<void>;
}

/**
 * Gets its token by client_credentials when it is first needed, for the server's own API, and renews it.
 * @throws TaskgrantError `option_invalid`
 */
export function createAdmin(options: AdminOptions): Admin {
  const { issuer, scope = 'admin:read admin:write' } = options;
  const audience = `${issuer.replace(/\/$/, '')}/api`;
  const client = new AgentClient({ description: 'Administration', ...options, scope, audience }, noContext);
  const calls = adminCalls(client);
  return {
    tokens: adminTokens(calls),
    tasks: adminTasks(calls),
    audit: adminAudit(calls),
    agents: adminAgents(calls),
    resourceServers: adminResourceServers(calls),
    roles: adminRoles(calls),
    permissions: adminPermissions(calls),
    users: adminUsers(calls),
    webhooks: adminWebhooks(calls),
    dashboard: (dashboardOptions) => calls.get('/api/admin/stats/dashboard', {}, dashboardOptions),
    close: () => client.close(),
    [ASYNC_DISPOSE]: () => client.close(),
  };
}
