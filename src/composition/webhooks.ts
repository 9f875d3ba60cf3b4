import type { AppContext } from '../app/context.ts';
import { type Delivering, startDelivering } from '../app/webhooks/deliver-webhooks.ts';
import type { Config } from '../config/config.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { createWebhookSecrets } from '../crypto/webhook-secrets.ts';
import { redactText } from '../log/redact-text.ts';
import { type AddressRule, publicOrIn } from '../network/public-address.ts';
import { webhookLookups } from '../network/outside-lookups.ts';
import { createWebhookSender } from '../network/webhook-sender.ts';
import { createWebhookTargets } from '../network/webhook-targets.ts';
import type { DatabaseStore } from '../store/store.ts';

/** Deliveries that one process makes at the same time: to receivers that answer soon, and to those that do not. */
const QUICK_AT_ONCE = 32;
const SLOW_AT_ONCE = 32;
/** Clocks of servers may differ; a lease must outlive an attempt on each of them. */
const CLOCKS_DIFFER_MS = 5_000;

export interface WebhookParts {
  readonly tools: AppContext['webhooks'];
  readonly allows: AddressRule;
}

/** What use cases need to know of webhooks beside their rows. */
export function createWebhookParts(
  { webhooks }: Pick<Config, 'webhooks'>,
  encryption: Encryption,
  ids: AppContext['ids'],
): WebhookParts {
  const allows = publicOrIn(webhooks.allowedNetworks);
  const { allowHttp, ports } = webhooks;
  return {
    tools: {
      secrets: createWebhookSecrets(encryption, ids),
      targets: createWebhookTargets({ allowHttp, ports, allows }),
    },
    allows,
  };
}

/** Delivers until it is stopped. */
export function startWebhooks(
  { webhooks }: Pick<Config, 'webhooks'>,
  {
    context,
    store,
    allows,
    version,
  }: {
    readonly context: AppContext;
    readonly store: DatabaseStore;
    readonly allows: AddressRule;
    readonly version: string;
  },
): Delivering {
  const timeoutMs = webhooks.timeout * 1000;
  return startDelivering({
    // What the server does by itself is no part of any request that happens to wake it.
    context: { ...context, store },
    outbox: store.webhookOutbox,
    sender: createWebhookSender({
      targets: context.webhooks.targets,
      allows,
      timeoutMs,
      redact: redactText,
      lookups: webhookLookups(),
    }),
    schedule: { pauses: webhooks.retryPauses },
    random: Math.random,
    userAgent: `Taskgrant/${version}`,
    places: { perHost: webhooks.perHost, quick: QUICK_AT_ONCE, slow: SLOW_AT_ONCE },
    leaseMs: 2 * timeoutMs + CLOCKS_DIFFER_MS,
    disableAfter: webhooks.disableAfter,
  });
}
