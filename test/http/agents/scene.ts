import { createApiClient } from '../../support/api-client.ts';
import { madeOnce } from '../../support/made.ts';
import { openFor, registeredAgent } from '../../support/registered-agent.ts';

/** The API with an administrator's token. */
export function agentsScene() {
  const on = madeOnce(
    async () => {
      const api = await createApiClient();
      return { api, admin: await api.adminToken() };
    },
    ({ api }) => api.close(),
  );
  return {
    on,
    async anAgentWithToken() {
      const { agent, credentials } = await registeredAgent(on.api.context);
      const issued = await openFor(on.api.context, agent);
      return { agent, credentials, token: issued.access.value };
    },
  };
}
