import { withToken } from '../../support/agent-auth.ts';
import { madeForEach, madeOnce } from '../../support/made.ts';
import { asAdmin, registerAgent } from '../../support/parties.ts';
import { removeWebhooks } from '../../support/remove-webhooks.ts';
import { startServer } from '../../support/server.ts';
import { open, TOKEN_EXCHANGE } from '../../support/token-requests.ts';
import { type Received, startReceiver } from '../../support/webhook-receiver.ts';
import { type Ask, WEBHOOK_SETTINGS, webhookAt } from '../../support/webhook-requests.ts';

/** An agent with a task of its own, and a receiver that is anew for each test. */
export function webhookScene() {
  const on = madeOnce(
    async () => {
      const server = await startServer({ settings: WEBHOOK_SETTINGS });
      const agent = await registerAgent(server, { grant_types: ['client_credentials', TOKEN_EXCHANGE] });
      return { server, agent, task: await open(server, agent) };
    },
    ({ server }) => server.stop(),
  );
  const receiver = madeForEach(startReceiver, async ({ close }) => {
    // What one test left behind must not speak in the next.
    await removeWebhooks(on.server);
    await close();
  });
  const byAdmin: Ask = (method, path, body) => asAdmin(on.server, method, path, body);
  return {
    on,
    receiver,
    byAdmin,
    /** A request with a token of the agent's own task, unless with another one. */
    ask: (method: string, path: string, body?: unknown, token = on.task.token) =>
      withToken(on.server, token, method, path, body),
    /** A webhook at the receiver. */
    webhookOf: (who: Ask, events: readonly string[], over: object = {}) =>
      webhookAt(who, receiver.url, events, over),
  };
}

/** Those of one type, about one client where it is named. */
export const about = (type: string, clientId?: string) => (one: Received) =>
  one.body.type === type && (clientId === undefined || one.body.data.agent_id === clientId);
