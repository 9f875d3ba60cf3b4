/** Where events are sent. Times are milliseconds since the epoch. */
export interface Webhook {
  readonly id: string;
  /** The agent that made it and may change it; null = administrators alone. */
  readonly owner: string | null;
  /** The agent that it hears of; null = everything. */
  readonly agentId: string | null;
  readonly url: string;
  /** Host and port of the URL: what the server spares. */
  readonly host: string;
  /** Event names, `group.*` or `*`. */
  readonly events: readonly string[];
  readonly description: string;
  readonly enabled: boolean;
  /** Why the server or somebody disabled it. */
  readonly disabledReason: string | null;
  /** Deliveries in a row that were given up. */
  readonly failures: number;
  /** Encrypted; the older one signs too until `previousEndsAt`. */
  readonly sealedSecret: string;
  readonly previousSealedSecret: string | null;
  readonly previousEndsAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** `dead`: given up, until somebody asks for it again. */
export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event on its way to one webhook. Times are milliseconds since the epoch. */
export interface WebhookDelivery {
  /** The idempotency id: the same at every attempt. */
  readonly id: string;
  readonly webhookId: string;
  /** Name of the event. */
  readonly event: string;
  /** The audit event that it tells of. */
  readonly eventId: string;
  /** Deliveries about one agent keep their order; empty = about no agent. */
  readonly lane: string;
  readonly state: DeliveryState;
  /** Since it was last asked for. */
  readonly attempts: number;
  /** When it is tried next, at the earliest. */
  readonly dueAt: number;
  readonly createdAt: number;
  readonly attemptedAt: number | null;
  readonly deliveredAt: number | null;
  /** What the receiver answered last. */
  readonly responseStatus: number | null;
  readonly responseExcerpt: string | null;
  readonly error: string | null;
  readonly durationMs: number | null;
}
