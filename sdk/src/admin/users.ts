import type { CallOptions } from '../agent/connection.ts';
import type { CreationOptions } from '../agent/registration.ts';
import type { Pages } from '../shared/pages.ts';
import type { UserRow } from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

type Why = { readonly reason?: string };

/** What a person approved and has not lost again. */
export interface Consent {
  /** Handle that the lineage of every task below names. */
  readonly grant: string;
  readonly client_id: string;
  readonly granted_at: string;
  /** Rights by audience. */
  readonly scopes: Record<string, string>;
}

/** People. */
export interface AdminUsers {
  list(options?: ListOptions): Pages<UserRow>;
  create(
    user: {
      readonly email: string;
      readonly name: string;
      /** 12 to 256 characters. */
      readonly password: string;
      readonly permissions?: readonly string[];
    },
    options?: CreationOptions,
  ): Promise<UserRow>;
  get(userId: string, options?: CallOptions): Promise<UserRow>;
  /** A new password ends everything that was approved under the old one. */
  update(
    userId: string,
    edits: { readonly name?: string; readonly permissions?: readonly string[]; readonly password?: string },
    options?: CallOptions,
  ): Promise<UserRow>;
  /** Sessions and everything the person approved end at once. */
  disable(userId: string, why?: Why, options?: CallOptions): Promise<UserRow>;
  /** What has ended stays ended. */
  enable(userId: string, why?: Why, options?: CallOptions): Promise<UserRow>;
  /** Everywhere; what the person approved ends too. */
  signOut(userId: string, why?: Why, options?: CallOptions): Promise<UserRow>;
  consents(userId: string, options?: ListOptions): Pages<Consent>;
  /** Everything that came of the approval ends at once. */
  withdrawConsent(userId: string, grant: string, why?: Why, options?: CallOptions): Promise<Consent>;
}

export function adminUsers(calls: AdminCalls): AdminUsers {
  const all = '/api/admin/users';
  return {
    list: (options) => calls.list(all, 'users', {}, options),
    create: (user, options) => calls.create(all, user, options),
    get: (id, options) => calls.get(all + path`/${id}`, {}, options),
    update: (id, edits, options) => calls.put(all + path`/${id}`, edits, options),
    disable: (id, why, options) => calls.post(all + path`/${id}/disable`, why, options),
    enable: (id, why, options) => calls.post(all + path`/${id}/enable`, why, options),
    signOut: (id, why, options) => calls.post(all + path`/${id}/sign-out`, why, options),
    consents: (id, options) => calls.list(all + path`/${id}/consents`, 'consents', {}, options),
    withdrawConsent: (id, grant, why, options) =>
      calls.post(all + path`/${id}/consents/${grant}/revoke`, why, options),
  };
}
