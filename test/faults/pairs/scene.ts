import { randomUUID } from 'node:crypto';
import { registerWithKey } from '../../support/agent-auth.ts';
import { browserOf } from '../../support/browser-session.ts';
import { authorizationUrl, CALLBACK, getCode } from '../../support/code-flow.ts';
import {
  administer,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../../support/parties.ts';
import { bearer, postJson } from '../../support/requests.ts';
import type { RunningServer } from '../../support/server.ts';
import { derive, handOff, open, TOKEN_EXCHANGE } from '../../support/token-requests.ts';

export type Scene = ReturnType<typeof sceneOn>;

/** Everything that a request may name, each made when it is first asked for. */
export function sceneOn(server: RunningServer) {
  const made = new Map<string, Promise<unknown>>();
  const names = new Map<string, string>();

  /** Made once; what `idsOf` finds in it is called by its name in every scene. */
  function once<T>(
    what: string,
    make: () => Promise<T>,
    idsOf: (made: T) => readonly string[],
  ): () => Promise<T> {
    const making = async () => {
      const thing = await make();
      idsOf(thing).forEach((id, i) => names.set(id, `<${what} ${i}>`));
      return thing;
    };
    return () => {
      const thing = (made.get(what) as Promise<T> | undefined) ?? making();
      made.set(what, thing);
      return thing;
    };
  }
  const party = ({ clientId }: { clientId: string }) => [clientId];

  const agent = once(
    'agent',
    () =>
      registerAgent(server, {
        grant_types: ['client_credentials', 'authorization_code', 'refresh_token', TOKEN_EXCHANGE],
        redirect_uris: [CALLBACK],
      }),
    party,
  );
  const delegate = once('delegate', () => registerAgent(server), party);
  const api = once(
    'API',
    () => registerResourceServer(server, { name: 'An API' }),
    ({ clientId, audience }) => [clientId, audience],
  );
  const person = once(
    'person',
    () => createPerson(server),
    ({ userId, email }) => [userId, email],
  );
  const permission = once(
    'permission',
    async () => {
      const added = `crm:notes:read-${randomUUID()}`;
      await administer(server, 'POST', '/api/admin/permissions', { permission: added, description: 'Notes' });
      return added;
    },
    (added) => [added],
  );
  /** Held by the agent, which has one of its rights from nowhere else. */
  const role = once(
    'role',
    async () => {
      const name = `role-${randomUUID()}`;
      const permissions = ['example:read', 'files:read'];
      await administer(server, 'POST', '/api/admin/roles', { name, permissions });
      await administer(server, 'PUT', `/api/admin/roles/${name}/agents/${(await agent()).clientId}`);
      return name;
    },
    (name) => [name],
  );
  /** An agent with one API key. */
  const keyed = once(
    'agent with a key',
    async () => {
      const registered = await registerWithKey(server, { name: 'Agent with a key' });
      const { api_keys: keys } = await administer(
        server,
        'GET',
        `/api/agents/${registered.agentId}/api-keys`,
      );
      return { ...registered, keyId: keys[0].key_id as string };
    },
    ({ agentId }) => [agentId],
  );
  const webhook = once(
    'webhook',
    async () => {
      const events = [
        'permission.removed',
        'agent.updated',
        'agent.suspended',
        'token.issued',
        'task.revoked',
      ];
      const row = { url: 'https://hook.invalid/', events };
      const agentId = (await agent()).clientId;
      const made = await administer(server, 'POST', '/api/webhooks', { ...row, agent_id: agentId });
      return made.webhook.id as string;
    },
    (id) => [id],
  );
  const task = once(
    'task',
    async () => {
      const [{ audience }, { clientId }] = [await api(), await delegate()];
      return open(server, await agent(), { resource: audience, delegates: clientId });
    },
    ({ taskId }) => [taskId],
  );
  const child = once(
    'child',
    async () => derive(server, await task()),
    ({ taskId }) => [taskId],
  );
  const voucher = once(
    'voucher',
    async () => handOff(server, await task(), await delegate()),
    () => [],
  );
  const code = once(
    'code',
    async () => {
      const browser = browserOf(server, await person());
      return getCode(server, { agent: await agent(), browser, form: { scope: 'reports:read' } });
    },
    () => [],
  );
  /** Where a client sends a browser of the person, and the proof that redeems what comes of it. */
  async function visit() {
    const [party, proof] = [await agent(), pkce()];
    const form = { ...proof.parameters, scope: 'reports:read' };
    const browser = browserOf(server, await person());
    return { browser, verifier: proof.verifier, url: authorizationUrl(server, party, form) };
  }
  /** A browser that is asked for the password. */
  const signingIn = once(
    'signingIn',
    async () => {
      const visiting = await visit();
      return { ...visiting, page: await visiting.browser.pages.open(visiting.url) };
    },
    () => [],
  );
  /** A browser that is asked what to allow. */
  const asked = once(
    'asked',
    async () => {
      const visiting = await visit();
      return { ...visiting, page: await visiting.browser.consentPage(visiting.url) };
    },
    () => [],
  );
  /** The grant of a person who approved, and whose code nobody has redeemed. */
  const consent = once(
    'consent',
    async () => {
      await code();
      const { consents } = await administer(
        server,
        'GET',
        `/api/admin/users/${(await person()).userId}/consents`,
      );
      return consents[0].grant as string;
    },
    (grant) => [grant],
  );
  const suspended = once(
    'suspended agent',
    async () => {
      const one = await registerAgent(server);
      await administer(server, 'POST', `/api/agents/${one.clientId}/suspend`, {});
      return one;
    },
    party,
  );
  /** One that waits to be activated. */
  const pending = once(
    'pending agent',
    async () => {
      const asked = { agent_name: 'Pending agent', permissions: ['example:read'] };
      const { credentials } = await administer(server, 'POST', '/api/agents/register', asked);
      return { clientId: credentials.client_id as string, token: credentials.registration_token as string };
    },
    party,
  );
  /** One that registered itself. */
  const client = once(
    'client',
    async () => {
      const asked = { client_name: 'A client', grant_types: ['client_credentials'], response_types: [] };
      const { body } = await postJson(server, '/api/oauth/register', { ...asked, redirect_uris: [CALLBACK] });
      const { client_id: clientId, client_secret: clientSecret, registration_access_token: token } = body;
      return { clientId, clientSecret, asked, management: bearer(token) } as const;
    },
    party,
  );
  return {
    server,
    /** Whether it was asked for. */
    has: (what: string) => made.has(what),
    ids: () => [...names.keys()],
    /** The same with names instead of ids. */
    inItsWords: (text: string) => [...names].reduce((told, [id, name]) => told.replaceAll(id, name), text),
    agent,
    delegate,
    api,
    person,
    permission,
    role,
    keyed,
    webhook,
    task,
    child,
    voucher,
    code,
    visit,
    signingIn,
    asked,
    consent,
    suspended,
    pending,
    client,
  };
}
