import { createApiClient } from '../../support/api-client.ts';
import { madeForEach } from '../../support/made.ts';

export const AGENTS = '/api/agents/register';
export const AN_AGENT = { agent_name: 'Research agent', permissions: ['example:read'] };
export const A_WEBHOOK = { url: 'https://hooks.example.com/', events: ['task.opened'] };

/** The API without anything in it for each test, and an administrator whose requests carry a key. */
export function idempotencyScene() {
  const on = madeForEach(
    async () => {
      const api = await createApiClient();
      return { api, admin: { token: await api.adminToken() } };
    },
    ({ api }) => api.close(),
  );
  return {
    on,
    post: (path: string, body: object, key: string | undefined, as: string | null = on.admin.token) =>
      on.api.send('post', path, {
        body,
        ...(as === null ? {} : { token: as }),
        headers: key === undefined ? {} : { 'Idempotency-Key': key },
      }),
    agentsNamed: async (name: string) =>
      (await on.api.store.agents.search({ name }, { limit: 100 })).items.length,
  };
}
