import { afterEach } from '@jest/globals';
import { madeOnce } from '../../support/made.ts';
import { type AgentParty, pkce, registerAgent } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import type { Form } from '../../support/requests.ts';
import { startServer } from '../../support/server.ts';
import {
  clientCredentials,
  type OpenTask,
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../../support/token-requests.ts';

export const RULE = { name: 'house-rule', reason: 'as the house says' };

export const DENIED = {
  status: 400,
  body: {
    error: 'access_denied',
    task_error: 'policy_denied',
    error_description: 'policy_denied: the policy house-rule refuses this: as the house says',
  },
};

/** A server without policies at first, and after each test; an agent, and two others. */
export function policiesScene() {
  const on = madeOnce(
    async () => {
      const server = await startServer();
      const agent = await registerAgent(server, {
        grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
      });
      return { server, agent, other: await registerAgent(server), third: await registerAgent(server) };
    },
    ({ server }) => server.stop(),
  );
  afterEach(() => setPolicies(on.server, []));

  /** A child of another client's task, by its raw token: what only a delegate may do. */
  function takeOver(parent: OpenTask, by: AgentParty, form: Form = {}) {
    return tokenExchange(on.server, by, parent.token, { ...pkce().parameters, ...form });
  }

  function refresh(task: OpenTask) {
    const { agent: owner, verifier, body } = task;
    return requestToken(on.server, owner, {
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token,
      code_verifier: verifier,
    });
  }

  function join(task: OpenTask, form: Form = {}) {
    return clientCredentials(on.server, task.agent, {
      task_id: task.taskId,
      code_verifier: task.verifier,
      ...form,
    });
  }

  return { on, takeOver, refresh, join };
}
