import { administer } from './parties.ts';
import type { RunningServer } from './server.ts';

/** Removes every webhook there is: whatever is committed later is fanned out over all that are left. */
export async function removeWebhooks(server: RunningServer): Promise<void> {
  const { webhooks } = await administer(server, 'GET', '/api/webhooks?limit=200');
  for (const { id } of webhooks) await administer(server, 'DELETE', `/api/webhooks/${id}`);
}
