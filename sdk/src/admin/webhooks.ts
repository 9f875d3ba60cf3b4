import type { CallOptions } from '../agent/connection.ts';
import type { CreationOptions } from '../agent/registration.ts';
import type { Pages } from '../shared/pages.ts';
import type { DeliveryRow, WebhookRow } from '../shared/rows.ts';
import { type AdminCalls, type ListOptions, path } from './calls.ts';

/** Where events are sent, and which. */
export interface WebhookTerms {
  readonly url: string;
  /** Names of events, `group.*`, or `*` for all. */
  readonly events: readonly string[];
  readonly description?: string;
}

interface WithSecret {
  readonly webhook: WebhookRow;
  /** Shown this once. */
  readonly secret: string;
}

/** Webhooks of administrators, and of every agent. */
export interface AdminWebhooks {
  list(filter?: { readonly agentId?: string }, options?: ListOptions): Pages<WebhookRow>;
  /** Hears of everything, or of one agent. */
  register(
    terms: WebhookTerms & { readonly agentId?: string },
    options?: CreationOptions,
  ): Promise<WithSecret>;
  get(id: string, options?: CallOptions): Promise<WebhookRow>;
  update(id: string, edits: Partial<WebhookTerms>, options?: CallOptions): Promise<WebhookRow>;
  enable(id: string, why?: { readonly reason?: string }, options?: CallOptions): Promise<WebhookRow>;
  disable(id: string, why?: { readonly reason?: string }, options?: CallOptions): Promise<WebhookRow>;
  delete(id: string, options?: CallOptions): Promise<void>;
  /** The old secret goes on signing beside the new one for an overlap, unless `immediate`. */
  regenerateSecret(
    id: string,
    members?: { readonly immediate?: boolean },
    options?: CreationOptions,
  ): Promise<WithSecret>;
  deliveries(id: string, filter?: { readonly state?: string }, options?: ListOptions): Pages<DeliveryRow>;
}

export function adminWebhooks(calls: AdminCalls): AdminWebhooks {
  const all = '/api/webhooks';
  return {
    list: (filter, options) => calls.list(all, 'webhooks', filter, options),
    register: (terms, options) => calls.create(all, terms, options),
    get: (id, options) => calls.get(all + path`/${id}`, {}, options),
    update: (id, edits, options) => calls.put(all + path`/${id}`, edits, options),
    enable: (id, why, options) => calls.post(all + path`/${id}/enable`, why, options),
    disable: (id, why, options) => calls.post(all + path`/${id}/disable`, why, options),
    delete: (id, options) => calls.remove(all + path`/${id}`, {}, options),
    regenerateSecret: (id, members = {}, options) =>
      calls.create(all + path`/${id}/regenerate-secret`, members, options),
    deliveries: (id, filter, options) =>
      calls.list(all + path`/${id}/deliveries`, 'deliveries', filter, options),
  };
}
