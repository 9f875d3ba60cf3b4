import { expect } from '@jest/globals';
import { administer } from './parties.ts';
import type { Answer } from './requests.ts';
import type { RunningServer } from './server.ts';

/** Receivers on this machine, and short pauses. */
export const WEBHOOK_SETTINGS = {
  webhooks: {
    allowHttp: true,
    allowedNetworks: ['127.0.0.0/8'],
    ports: 'any',
    retryPauses: [1, 1, 1],
    disableAfter: 2,
    perAgent: 3,
    timeout: 2,
  },
};

/** A request with somebody's token. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** A webhook that whoever asks has made. */
export async function webhookAt(ask: Ask, url: string, events: readonly string[], over: object = {}) {
  const answer = await ask('POST', '/webhooks', { url, events, ...over });
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  const { webhook, secret } = answer.body;
  return { id: webhook.id as string, secret: secret as string, webhook };
}

export async function deliveriesOf(
  server: RunningServer,
  id: string,
  query = '',
): Promise<Record<string, unknown>[]> {
  return (await administer(server, 'GET', `/api/webhooks/${id}/deliveries${query}`)).deliveries;
}

/** Looks again and again until it is right. @throws Error with what was found last, after 400 looks. */
export async function eventually<T>(look: () => Promise<T>, right: (found: T) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await look();
    if (right(found)) return found;
    if (attempt === 400) throw new Error(`it did not come to it: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
