import type { CallOptions } from '../agent/connection.ts';
import type { CreationOptions } from '../agent/registration.ts';
import type { Pages } from '../shared/pages.ts';
import type {
  AgentRow,
  ResourceServerRow,
  RoleMemberRow,
  RoleRow,
  SecretRow,
  UserRow,
} from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

type Why = { readonly reason?: string };

/** An API as it is registered. */
export interface ResourceServerTerms {
  readonly name: string;
  /** Absolute URIs, each with one owner. */
  readonly audiences: readonly string[];
  /** Rights that it knows; null = any. */
  readonly scopes?: readonly string[] | null;
  readonly tokenFormat?: 'jwt' | 'opaque';
}

/** The APIs that tokens are for. */
export interface AdminResourceServers {
  list(options?: ListOptions): Pages<ResourceServerRow>;
  /** The secret is shown this once. */
  register(
    terms: ResourceServerTerms,
    options?: CreationOptions,
  ): Promise<{
    readonly resource_server: ResourceServerRow;
    readonly credentials: { readonly client_id: string; readonly client_secret: string };
  }>;
  get(clientId: string, options?: CallOptions): Promise<ResourceServerRow>;
  update(
    clientId: string,
    edits: Partial<ResourceServerTerms>,
    options?: CallOptions,
  ): Promise<ResourceServerRow>;
  delete(clientId: string, why?: Why, options?: CallOptions): Promise<void>;
  rotateSecret(
    clientId: string,
    members?: { readonly immediate?: boolean },
    options?: CreationOptions,
  ): Promise<SecretRow>;
}

/** Named sets of permissions, and who has them. */
export interface AdminRoles {
  list(options?: ListOptions): Pages<RoleRow>;
  create(
    role: { readonly name: string; readonly description?: string; readonly permissions: readonly string[] },
    options?: CreationOptions,
  ): Promise<RoleRow>;
  get(name: string, options?: CallOptions): Promise<RoleRow>;
  update(
    name: string,
    edits: { readonly description?: string; readonly permissions?: readonly string[] },
    options?: CallOptions,
  ): Promise<RoleRow>;
  delete(name: string, why?: Why, options?: CallOptions): Promise<void>;
  members(name: string, options?: ListOptions): Pages<RoleMemberRow>;
  assignAgent(name: string, clientId: string, options?: CallOptions): Promise<AgentRow>;
  unassignAgent(name: string, clientId: string, options?: CallOptions): Promise<AgentRow>;
  assignUser(name: string, userId: string, options?: CallOptions): Promise<UserRow>;
  unassignUser(name: string, userId: string, options?: CallOptions): Promise<UserRow>;
}

interface AddedPermission {
  readonly permission: string;
  readonly description: string;
  readonly created_at: string;
}

/** What administrators added to the catalogue of permissions. */
export interface AdminPermissions {
  list(options?: ListOptions): Pages<AddedPermission>;
  add(
    entry: { readonly permission: string; readonly description: string },
    options?: CreationOptions,
  ): Promise<AddedPermission>;
  /** Whoever was granted it keeps it. */
  remove(permission: string, options?: CallOptions): Promise<void>;
}

export function adminResourceServers(calls: AdminCalls): AdminResourceServers {
  const all = '/api/admin/resource-servers';
  return {
    list: (options) => calls.list(all, 'resource_servers', {}, options),
    register: (terms, options) => calls.create(all, terms, options),
    get: (id, options) => calls.get(all + path`/${id}`, {}, options),
    update: (id, edits, options) => calls.put(all + path`/${id}`, edits, options),
    delete: (id, why, options) => calls.remove(all + path`/${id}`, why, options),
    rotateSecret: (id, members = {}, options) =>
      calls.create(all + path`/${id}/rotate-secret`, members, options),
  };
}

export function adminRoles(calls: AdminCalls): AdminRoles {
  const all = '/api/admin/roles';
  return {
    list: (options) => calls.list(all, 'roles', {}, options),
    create: (role, options) => calls.create(all, role, options),
    get: (name, options) => calls.get(all + path`/${name}`, {}, options),
    update: (name, edits, options) => calls.put(all + path`/${name}`, edits, options),
    delete: (name, why, options) => calls.remove(all + path`/${name}`, why, options),
    members: (name, options) => calls.list(all + path`/${name}/members`, 'members', {}, options),
    assignAgent: (name, id, options) => calls.put(all + path`/${name}/agents/${id}`, undefined, options),
    unassignAgent: (name, id, options) => calls.remove(all + path`/${name}/agents/${id}`, {}, options),
    assignUser: (name, id, options) => calls.put(all + path`/${name}/users/${id}`, undefined, options),
    unassignUser: (name, id, options) => calls.remove(all + path`/${name}/users/${id}`, {}, options),
  };
}

export function adminPermissions(calls: AdminCalls): AdminPermissions {
  const all = '/api/admin/permissions';
  return {
    list: (options) => calls.list(all, 'permissions', {}, options),
    add: (entry, options) => calls.create(all, entry, options),
    remove: (permission, options) => calls.remove(all + path`/${permission}`, {}, options),
  };
}
