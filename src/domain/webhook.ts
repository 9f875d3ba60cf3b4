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
  /** Encrypted; the one before it signs too until `previousEndsAt`. */
  readonly sealedSecret: string;
  readonly previousSealedSecret: string | null;
  readonly previousEndsAt: number | null;
  /** Those that were replaced earlier and still signed at the last replacement, newest first. */
  readonly olderSecrets: readonly ReplacedSecret[] | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Who is served as one, however many webhooks they have; administrators' webhooks count each by itself. As the outbox. */
export function partyOf({ id, owner }: Pick<Webhook, 'id' | 'owner'>): string {
  return owner ?? id;
}

export interface ReplacedSecret {
  /** Encrypted. */
  readonly sealed: string;
  /** Until when it signs. */
  readonly endsAt: number;
}

type Secrets = Pick<Webhook, 'sealedSecret' | 'previousSealedSecret' | 'previousEndsAt' | 'olderSecrets'>;

/** What signs a delivery at a time: the current secret, and those whose overlap has not ended, newest first. */
export function signingSecrets(webhook: Secrets, now: number): readonly string[] {
  return [webhook.sealedSecret, ...stillSigning(webhook, now).map(({ sealed }) => sealed)];
}

/** The secrets after a replacement. What signed before signs until `endsAt`, or each until its own end; null = no more. */
export function afterReplacing(
  webhook: Secrets,
  { sealed, now, endsAt }: { readonly sealed: string; readonly now: number; readonly endsAt: number | null },
): Secrets {
  const [previous, ...older] =
    endsAt === null ? [] : [{ sealed: webhook.sealedSecret, endsAt }, ...stillSigning(webhook, now)];
  return {
    sealedSecret: sealed,
    previousSealedSecret: previous?.sealed ?? null,
    previousEndsAt: previous?.endsAt ?? null,
    olderSecrets: older.length === 0 ? null : older,
  };
}

function stillSigning(webhook: Secrets, now: number): readonly ReplacedSecret[] {
  const { previousSealedSecret: sealed, previousEndsAt: endsAt, olderSecrets } = webhook;
  // Ended at once, perhaps by a release that knows of no older ones and leaves them there.
  if (sealed === null || endsAt === null) return [];
  return [{ sealed, endsAt }, ...(olderSecrets ?? [])].filter((one) => one.endsAt > now);
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
