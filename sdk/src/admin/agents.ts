import type { CallOptions } from '../agent/connection.ts';
import type { AgentRegistration, CreationOptions, RegisteredAgent } from '../agent/registration.ts';
import type { Pages } from '../shared/pages.ts';
import type { AgentRow, AgentState, ApiKeyRow, SecretRow, Tier } from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

/** Absent members stay as they are, null removes a limit. */
export interface AgentEdits {
  readonly agentName?: string;
  readonly description?: string;
  readonly permissions?: readonly string[];
  readonly defaultScope?: readonly string[];
  readonly allowedTools?: readonly string[];
  readonly allowedResources?: readonly string[];
  readonly audiences?: readonly string[] | null;
  readonly maxDepth?: number | null;
  readonly maxChildren?: number | null;
  readonly maxTaskSeconds?: number | null;
  readonly tier?: Tier;
  readonly challengeWaived?: boolean;
  readonly owner?: string | null;
}

interface NewKey {
  /** `tg_<prefix>_<secret>`, shown this once. */
  readonly api_key: string;
  readonly key: ApiKeyRow;
}

type Why = { readonly reason?: string };

/** The API keys of one agent. */
export interface AdminKeys {
  list(clientId: string, options?: ListOptions): Pages<ApiKeyRow>;
  /** `expiresIn` in seconds. */
  create(
    clientId: string,
    members: { readonly name: string; readonly expiresIn?: number },
    options?: CreationOptions,
  ): Promise<NewKey>;
  /** The old key works for an overlap, unless `immediate`. */
  rotate(
    clientId: string,
    keyId: string,
    members?: { readonly immediate?: boolean },
    options?: CreationOptions,
  ): Promise<NewKey & { readonly replaced: ApiKeyRow; readonly old_key_expires_at: string }>;
  /** Ends the tasks that the key opened, too. */
  revoke(
    clientId: string,
    keyId: string,
    options?: CallOptions,
  ): Promise<{ readonly key: ApiKeyRow; readonly revoked_tasks: number; readonly revoked_tokens: number }>;
}

/** Agents, as administrators manage them. */
export interface AdminAgents {
  list(
    filter?: { readonly state?: AgentState; readonly name?: string; readonly includeDeleted?: boolean },
    options?: ListOptions,
  ): Pages<AgentRow>;
  get(clientId: string, options?: CallOptions): Promise<AgentRow>;
  /** With everything that was asked granted; the agent acts once its registration token is used. */
  register(registration: AgentRegistration, options?: CreationOptions): Promise<RegisteredAgent>;
  update(clientId: string, edits: AgentEdits, options?: CallOptions): Promise<AgentRow>;
  /** Everything it was granted ends; its history stays. */
  delete(clientId: string, why?: Why, options?: CallOptions): Promise<{ readonly agent: AgentRow }>;
  /** Everything it was granted ends at once. */
  suspend(clientId: string, why?: Why, options?: CallOptions): Promise<AgentRow>;
  /** What has ended stays ended. */
  reactivate(clientId: string, why?: Why, options?: CallOptions): Promise<AgentRow>;
  /** The old secrets work for an overlap, unless `immediate`. */
  rotateSecret(
    clientId: string,
    members?: { readonly immediate?: boolean },
    options?: CreationOptions,
  ): Promise<SecretRow>;
  addTool(clientId: string, toolId: string, options?: CallOptions): Promise<unknown>;
  removeTool(clientId: string, toolId: string, options?: CallOptions): Promise<unknown>;
  readonly keys: AdminKeys;
}

export function adminAgents(calls: AdminCalls): AdminAgents {
  return {
    list: (filter, options) => calls.list('/api/agents/list', 'agents', filter, options),
    get: (id, options) => calls.get(path`/api/agents/${id}`, {}, options),
    register: (members, options) => calls.create('/api/agents/register', members, options),
    update: (id, edits, options) => calls.put(path`/api/agents/${id}`, edits, options),
    delete: (id, why, options) => calls.remove(path`/api/agents/${id}`, why, options),
    suspend: (id, why, options) => calls.post(path`/api/agents/${id}/suspend`, why, options),
    reactivate: (id, why, options) => calls.post(path`/api/agents/${id}/reactivate`, why, options),
    rotateSecret: (id, members = {}, options) =>
      calls.create(path`/api/agents/${id}/rotate-secret`, members, options),
    addTool: (id, toolId, options) => calls.post(path`/api/agents/${id}/tools`, { toolId }, options),
    removeTool: (id, tool, options) => calls.remove(path`/api/agents/${id}/tools/${tool}`, {}, options),
    keys: {
      list: (id, options) => calls.list(path`/api/agents/${id}/api-keys`, 'api_keys', {}, options),
      create: (id, members, options) => calls.create(path`/api/agents/${id}/api-keys`, members, options),
      rotate: (id, key, members = {}, options) =>
        calls.create(path`/api/agents/${id}/api-keys/${key}/rotate`, members, options),
      revoke: (id, key, options) => calls.remove(path`/api/agents/${id}/api-keys/${key}`, {}, options),
    },
  };
}
