import { beforeEach } from '@jest/globals';
import type { Attempted } from '../../../src/app/ports/webhooks.ts';
import type { Change } from '../../../src/app/unit-of-work.ts';
import type { AuditEvent } from '../../../src/domain/audit-event.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import type { Webhook } from '../../../src/domain/webhook.ts';
import type { Database } from '../../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../../src/store/store.ts';
import { anEvent, anId, aUnit, T0 } from '../../support/fixtures.ts';
import { onEveryDatabase } from '../databases.ts';

export const miss = new DomainError('conflict', 'it does not hold');
export const NOW = T0 + 1000;
export const ALL = { except: { hosts: [], parties: [] }, mostOfParty: 100, most: 100 };

export function aWebhook(over: Partial<Webhook> = {}): Webhook {
  return {
    id: anId(),
    owner: null,
    agentId: null,
    url: 'https://hooks.example.com/taskgrant',
    host: 'hooks.example.com',
    events: ['*'],
    description: 'Operations',
    enabled: true,
    disabledReason: null,
    failures: 0,
    sealedSecret: 'v1.sealed',
    previousSealedSecret: null,
    previousEndsAt: null,
    olderSecrets: null,
    createdAt: T0,
    updatedAt: T0,
    ...over,
  };
}

/** Where webhooks are registered, hear of events and have them delivered. */
export type Scene = ReturnType<typeof sceneOn>;

/** Runs a suite on every database; before each test there is no webhook, and nothing to deliver. */
export function webhooksOnEveryDatabase(suite: (scene: Scene) => void): void {
  onEveryDatabase('webhooks and their deliveries', (open) => {
    let store: DatabaseStore;
    beforeEach(async () => {
      store = createStore(open());
      await open().knex('webhook_deliveries').delete();
      await open().knex('webhooks').delete();
    });
    suite(sceneOn(open, () => store));
  });
}

function sceneOn(open: () => Database, store: () => DatabaseStore) {
  const outbox = () => store().webhookOutbox;
  const change = (...changes: Change[]) => store().commit(aUnit(changes, { events: [quiet()] }));
  /** An event that no webhook hears of. */
  const quiet = () => anEvent({ type: 'token_introspection' });
  const tell = (...events: AuditEvent[]) => store().commit(aUnit([], { events }));
  async function register(over: Partial<Webhook> = {}): Promise<Webhook> {
    const webhook = aWebhook(over);
    await change({ do: 'insert_webhook', webhook, most: 10, miss });
    return webhook;
  }
  const logOf = async ({ id }: Webhook) => (await store().webhooks.deliveries(id, {}, { limit: 100 })).items;
  const told = async (webhook: Webhook) => (await logOf(webhook)).map(({ eventId }) => eventId);
  const dueSeqs = async (now = NOW) => (await outbox().due(now, ALL)).map(({ seq }) => seq);
  async function claim(now = NOW, until = now + 10_000) {
    return outbox().claim(await dueSeqs(now), { id: anId(), now, until });
  }
  return { open, store, outbox, change, tell, register, logOf, told, dueSeqs, claim };
}

/** How an attempt at a delivery ended: well, unless something else is said. */
export const attempted = (
  { seq, lease, webhook }: { seq: number; lease: string; webhook: Webhook },
  over: Partial<Attempted> = {},
): Attempted => ({
  seq,
  lease,
  webhookId: webhook.id,
  state: 'delivered',
  dueAt: NOW,
  attemptedAt: NOW,
  responseStatus: 200,
  responseExcerpt: null,
  error: null,
  durationMs: 5,
  ...over,
});
