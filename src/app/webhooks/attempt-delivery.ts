import type { RetrySchedule } from '../../domain/retry.ts';
import { pauseAfter } from '../../domain/retry.ts';
import { partyOf, signingSecrets } from '../../domain/webhook.ts';
import type { AppContext } from '../context.ts';
import type { Attempted, ClaimedDelivery, WebhookAnswer, WebhookSender } from '../ports/webhooks.ts';
import { webhookBody } from './webhook-body.ts';

export interface AttemptParts {
  readonly context: Pick<AppContext, 'clock' | 'webhooks'>;
  readonly sender: WebhookSender;
  readonly schedule: RetrySchedule;
  /** In [0, 1). */
  readonly random: () => number;
  /** Product and version. */
  readonly userAgent: string;
}

export type AttemptOutcome = Attempted & {
  /** Where it was sent. */
  readonly url: string;
  /** The receiver says that there is nothing any more, and never will be (410). */
  readonly gone: boolean;
};

/** Sends one delivery and decides what comes next. Never rejects. `ending` = stop, and try again soon. */
export async function attemptDelivery(
  parts: AttemptParts,
  claimed: ClaimedDelivery,
  ending: AbortSignal,
): Promise<AttemptOutcome> {
  const { clock } = parts.context;
  const attemptedAt = clock.now();
  const began = performance.now();
  const answer = await send(parts, claimed, ending);
  const durationMs = Math.round(performance.now() - began);
  const next = ending.aborted && answer.error !== null ? 0 : nextPause(parts, claimed, answer);
  const delivered = isSuccess(answer.status);
  return {
    seq: claimed.seq,
    lease: claimed.lease,
    webhookId: claimed.webhook.id,
    url: claimed.webhook.url,
    state: delivered ? 'delivered' : next === undefined ? 'dead' : 'pending',
    dueAt: clock.now() + (next ?? 0),
    attemptedAt,
    responseStatus: answer.status,
    responseExcerpt: answer.excerpt,
    error: delivered ? null : (answer.error ?? refusalOf(answer.status)),
    durationMs,
    gone: answer.status === 410,
  };
}

async function send(
  { context, sender, userAgent }: AttemptParts,
  claimed: ClaimedDelivery,
  ending: AbortSignal,
): Promise<WebhookAnswer> {
  const { delivery, webhook } = claimed;
  const now = context.clock.now();
  const body = webhookBody(claimed);
  let signed: Readonly<Record<string, string>>;
  try {
    const message = { id: delivery.id, event: delivery.event, seconds: Math.floor(now / 1000), body };
    signed = context.webhooks.secrets.sign(webhook.id, signingSecrets(webhook, now), message);
  } catch {
    return { status: null, excerpt: null, retryAfterMs: undefined, error: UNREADABLE };
  }
  const headers = { 'Content-Type': 'application/json', 'User-Agent': userAgent, ...signed };
  return sender.post({ party: partyOf(webhook), url: webhook.url, headers, body }, ending);
}

const UNREADABLE = 'the secret cannot be decrypted: ENCRYPTION_KEY is not the one it was made with';

function nextPause(
  { schedule, random }: AttemptParts,
  { delivery }: ClaimedDelivery,
  { status, retryAfterMs }: WebhookAnswer,
): number | undefined {
  return status === 410 ? undefined : pauseAfter(schedule, delivery.attempts, random(), retryAfterMs);
}

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

function refusalOf(status: number | null): string {
  const redirect = status !== null && status >= 300 && status < 400;
  return redirect ? `answered ${status}: redirects are not followed` : `answered ${status}`;
}
