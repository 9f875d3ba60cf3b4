import type { AuditEvent } from '../../domain/audit-event.ts';
import type { DeliveryState, Webhook, WebhookDelivery } from '../../domain/webhook.ts';
import type { Page, Paged } from './page.ts';

export interface WebhookReads {
  byId(id: string): Promise<Webhook | undefined>;
  /** Newest first. */
  search(filter: WebhookFilter, page: Page): Promise<Paged<Webhook>>;
  delivery(webhookId: string, deliveryId: string): Promise<WebhookDelivery | undefined>;
  /** Newest first. */
  deliveries(
    webhookId: string,
    filter: { readonly state?: DeliveryState | undefined },
    page: Page,
  ): Promise<Paged<WebhookDelivery>>;
}

export interface WebhookFilter {
  readonly owner?: string | undefined;
  readonly agentId?: string | undefined;
}

/** A delivery that nobody else makes at the same time, with all that it takes. */
export interface ClaimedDelivery {
  readonly seq: number;
  readonly lease: string;
  readonly delivery: WebhookDelivery;
  readonly webhook: Webhook;
  readonly event: AuditEvent;
}

/** A delivery that is due. */
export interface Waiting {
  readonly host: string;
  /** Whoever made the webhook: an agent, or administrators, each of whose webhooks counts by itself. */
  readonly party: string;
}

/** Which of what is due is looked for. */
export interface PartOfDue {
  /** Hosts and parties that take no more. */
  readonly except: { readonly hosts: readonly string[]; readonly parties: readonly string[] };
  /** Of one party, and in all: the first of each party before the second of any. */
  readonly mostOfParty: number;
  readonly most: number;
  /** Where more wait than are found: those of the parties that follow this one, round and round. */
  readonly after?: string | undefined;
}

/** What came of an attempt. Times are milliseconds since the epoch. */
export interface Attempted {
  readonly seq: number;
  readonly lease: string;
  readonly webhookId: string;
  readonly state: DeliveryState;
  /** When it is tried again; of no meaning unless `pending`. */
  readonly dueAt: number;
  readonly attemptedAt: number;
  readonly responseStatus: number | null;
  readonly responseExcerpt: string | null;
  readonly error: string | null;
  readonly durationMs: number;
}

/**
 * Deliveries that were recorded with the events, in one transaction with what these tell of. Of each lane (webhook and
 * agent) only the oldest pending one is ever due, so their order is kept.
 */
export interface WebhookOutbox {
  /** Calls back after commits of this process that recorded deliveries. */
  onRecorded(listener: () => void): void;
  /** What is to be delivered now, of each party longest due first. */
  due(now: number, part: PartOfDue): Promise<readonly (Waiting & { readonly seq: number })[]>;
  /** Takes those that nobody else has taken, until `until`; whoever has not ended them by then may meet a rival. */
  claim(
    seqs: readonly number[],
    lease: { readonly id: string; readonly now: number; readonly until: number },
  ): Promise<readonly ClaimedDelivery[]>;
  /** Ends claims, and answers the webhooks whose last deliveries were all given up, with how many. */
  settle(attempts: readonly Attempted[]): Promise<readonly { webhookId: string; failures: number }[]>;
  /** Where no other process can hold one, a claim at the start is left over from a process that is gone. */
  releaseAll?(): Promise<void>;
}

/** Secrets of webhooks: encrypted at rest, because every delivery is signed with them. */
export interface WebhookSecrets {
  /** `value` is shown once (`whsec_…`); `sealed` is stored. */
  mint(webhookId: string): { readonly value: string; readonly sealed: string };
  /** The header fields that prove where a body comes from; the first secret is the current one. */
  sign(
    webhookId: string,
    sealed: readonly string[],
    message: { readonly id: string; readonly event: string; readonly seconds: number; readonly body: string },
  ): Readonly<Record<string, string>>;
}

/** The rules about where webhooks may be. */
export interface WebhookTargets {
  /** Why a URL cannot be a webhook's; undefined = it can, as far as it can be told without asking for its address. */
  problemOf(url: URL): string | undefined;
}

/** What a receiver answered, or why it did not. */
export interface WebhookAnswer {
  readonly status: number | null;
  /** The beginning of its body, without secrets. */
  readonly excerpt: string | null;
  readonly retryAfterMs: number | undefined;
  /** Absent when an answer arrived. */
  readonly error: string | null;
}

export interface WebhookRequest {
  /** Whose webhook it is: `party` of what waited. */
  readonly party: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookSender {
  /** Posts once; never rejects, and never takes longer than its time. */
  post(request: WebhookRequest, signal: AbortSignal): Promise<WebhookAnswer>;
}
