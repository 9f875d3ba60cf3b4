import { createHmac } from 'node:crypto';
import type { Ids } from '../app/ports.ts';
import type { WebhookSecrets } from '../app/ports/webhooks.ts';
import type { Encryption } from './encryption.ts';

const PREFIX = 'whsec_';

/**
 * Signs what is sent to webhooks, in two dialects: that of Standard Webhooks, whose field holds one signature for each
 * secret that is valid, and AgentAuth's, whose field holds one, by the current secret. Both sign the time as well, so
 * that a receiver can refuse what is replayed.
 */
export function createWebhookSecrets(encryption: Encryption, ids: Pick<Ids, 'secret'>): WebhookSecrets {
  return {
    mint(webhookId) {
      // 256 random bits in base64, as the libraries for Standard Webhooks read it.
      const value = PREFIX + Buffer.from(ids.secret(), 'base64url').toString('base64');
      return { value, sealed: encryption.encrypt(value, contextOf(webhookId)) };
    },

    sign(webhookId, sealed, { id, event, seconds, body }) {
      const secrets = sealed.map((one) => encryption.decrypt(one, contextOf(webhookId)));
      const [current = ''] = secrets;
      const standard = secrets.map((secret) => {
        const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
        return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
      });
      const plain = createHmac('sha256', current).update(`${seconds}.${body}`).digest('hex');
      return {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': standard.join(' '),
        'X-AgentAuth-Event': event,
        'X-AgentAuth-Timestamp': String(seconds),
        'X-AgentAuth-Signature': `sha256=${plain}`,
      };
    },
  };
}

function contextOf(webhookId: string): string {
  return `webhook secret ${webhookId}`;
}
