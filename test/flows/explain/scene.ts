import { browserOf } from '../../support/browser-session.ts';
import { authorize, CALLBACK } from '../../support/code-flow.ts';
import { madeOnce } from '../../support/made.ts';
import { administer, createPerson, registerAgent } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import { startServer } from '../../support/server.ts';
import { delegate, TOKEN_EXCHANGE } from '../../support/token-requests.ts';

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
const SHORT = { kind: 'max_lifetime', name: 'short', reason: 'work for people is short', seconds: 1800 };
const HELPERS = { kind: 'tool_lists', name: 'helpers', reason: 'helpers only search', effect: 'allow' };

/** A person, an assistant of theirs, a helper of the assistant and a specialist whose right comes by a role. */
export function explainScene() {
  const on = madeOnce(
    async () => {
      const server = await startServer();
      const person = await createPerson(server, { permissions: ['reports:write'] });
      const assistant = await registerAgent(server, {
        agent_name: 'Assistant',
        redirect_uris: [CALLBACK],
        grant_types: GRANTS,
      });
      const helper = await registerAgent(server, { agent_name: 'Helper' });
      const specialist = await registerAgent(server, {
        agent_name: 'Specialist',
        permissions: ['example:read'],
      });
      await administer(server, 'POST', '/api/admin/roles', {
        name: 'reader',
        description: 'Reads reports',
        permissions: ['reports:read'],
      });
      await administer(server, 'PUT', `/api/admin/roles/reader/agents/${specialist.clientId}`);
      await administer(server, 'PUT', `/api/admin/roles/reader/users/${person.userId}`);
      return { server, person, assistant, helper, specialist };
    },
    ({ server }) => server.stop(),
  );

  const explain = (tokenId: string) => administer(on.server, 'GET', `/api/admin/explain/${tokenId}`);

  /** A person's consent → the assistant → a helper, by hand-off → a specialist, by hand-off; under two policies. */
  async function aChain() {
    setPolicies(on.server, [
      { ...SHORT, match: { subjects: ['user'] } },
      { ...HELPERS, match: { clients: [on.helper.clientId] }, tools: ['search'] },
    ]);
    const task = await authorize(on.server, {
      agent: on.assistant,
      browser: browserOf(on.server, on.person),
      form: {
        scope: 'reports:read reports:write',
        delegates: `${on.helper.clientId} ${on.specialist.clientId}`,
      },
    });
    const child = await delegate(on.server, task, on.helper, {
      required_tools: 'search',
      delegates: on.specialist.clientId,
    });
    const grandchild = await delegate(on.server, child, on.specialist, { scope: 'reports:read' });
    setPolicies(on.server, []);
    return { task, child, grandchild };
  }

  return { on, explain, aChain };
}
