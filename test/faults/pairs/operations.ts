import { refreshWith, verified, verify } from '../../support/agent-auth.ts';
import { redeemCode } from '../../support/code-flow.ts';
import { asAdmin, pkce } from '../../support/parties.ts';
import { type Answer, basic, send } from '../../support/requests.ts';
import { clientCredentials, requestToken, revoke, tokenExchange } from '../../support/token-requests.ts';
import { BROWSER_OPERATIONS } from './browser-operations.ts';
import type { Scene } from './scene.ts';

/** How a request was answered and, in a browser, what comes of going on from there. */
export type Asked = Answer & { readonly goOn?: () => Promise<Answer> };

/** Makes what the request names, and answers how it is sent. */
export type Operation = (scene: Scene) => Promise<() => Promise<Asked>>;
type Made<T> = (scene: Scene) => Promise<T>;

/** A request of an administrator. */
function admin(method: string, path: Made<string>, body?: Made<object>): Operation {
  return async (scene) => {
    const [where, what] = [await path(scene), await body?.(scene)];
    return () => asAdmin(scene.server, method, where, what);
  };
}

/** A body that is the same in every scene. */
const of = (body: object) => async () => body;
const agent = (rest: string) => async (scene: Scene) =>
  `/api/agents/${(await scene.agent()).clientId}${rest}`;
const delegate = (rest: string) => async (scene: Scene) =>
  `/api/agents/${(await scene.delegate()).clientId}${rest}`;
const suspended = (rest: string) => async (scene: Scene) =>
  `/api/agents/${(await scene.suspended()).clientId}${rest}`;
const child = (rest: string) => async (scene: Scene) => `/api/tasks/${(await scene.child()).taskId}${rest}`;
const client = (rest: string) => async (scene: Scene) =>
  `/api/agents/${(await scene.client()).clientId}${rest}`;
const keyed = (rest: string) => async (scene: Scene) => `/api/agents/${(await scene.keyed()).agentId}${rest}`;
const key = (rest: string) => async (scene: Scene) =>
  keyed(`/api-keys/${(await scene.keyed()).keyId}${rest}`)(scene);
const person = (rest: string) => async (scene: Scene) =>
  `/api/admin/users/${(await scene.person()).userId}${rest}`;
const role = (rest: Made<string>) => async (scene: Scene) =>
  `/api/admin/roles/${await scene.role()}${await rest(scene)}`;
const itself = async () => '';
const api = (rest: string) => async (scene: Scene) =>
  `/api/admin/resource-servers/${(await scene.api()).clientId}${rest}`;
const webhook = (rest: string) => async (scene: Scene) => `/api/webhooks/${await scene.webhook()}${rest}`;
const task = (rest: string) => async (scene: Scene) => `/api/tasks/${(await scene.task()).taskId}${rest}`;

function openTask(form: object): Operation {
  return async (scene) => {
    const [{ audience }, party] = [await scene.api(), await scene.agent()];
    return () =>
      clientCredentials(scene.server, party, { ...pkce().parameters, resource: audience, ...form });
  };
}

/** What a client does with its registration (RFC 7592). */
function manage(method: string, changed?: object): Operation {
  return async (scene) => {
    const { clientId, asked, management } = await scene.client();
    const body = changed ? { body: JSON.stringify({ client_id: clientId, ...asked, ...changed }) } : {};
    const headers = { ...management, ...(changed ? { 'content-type': 'application/json' } : {}) };
    return () => send(scene.server, `/api/oauth/register/${clientId}`, { method, headers, ...body });
  };
}

export const OPERATIONS = {
  ...BROWSER_OPERATIONS,
  'open a task': openTask({}),
  'open a task by the role': async (scene) => {
    await scene.role();
    return openTask({ scope: 'files:read' })(scene);
  },
  'join the task': async (scene) => {
    const { agent: party, taskId, verifier } = await scene.task();
    const { audience } = await scene.api();
    const form = { task_id: taskId, code_verifier: verifier, resource: audience };
    return () => clientCredentials(scene.server, party, form);
  },
  'derive a task': async (scene) => {
    const { agent: party, token, verifier } = await scene.task();
    return () => tokenExchange(scene.server, party, token, { code_verifier: verifier });
  },
  'derive a task below the child': async (scene) => {
    const { agent: party, token, verifier } = await scene.child();
    return () => tokenExchange(scene.server, party, token, { code_verifier: verifier });
  },
  'complete the child': admin('POST', child('/complete'), of({})),
  'revoke the child': admin('POST', child('/revoke'), of({})),
  refresh: async (scene) => {
    const { agent: party, verifier, body } = await scene.task();
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, code_verifier: verifier };
    return () => requestToken(scene.server, party, form);
  },
  'revoke the refresh token': async (scene) => {
    const { agent: party, body } = await scene.task();
    return () => revoke(scene.server, party, body.refresh_token);
  },
  'revoke the voucher': async (scene) => {
    const [token, party] = [await scene.voucher(), await scene.agent()];
    return () => revoke(scene.server, party, token);
  },
  'hand the task off': async (scene) => {
    const { agent: party, token, verifier } = await scene.task();
    const { clientId } = await scene.delegate();
    return () =>
      tokenExchange(scene.server, party, token, { code_verifier: verifier, delegate_to: clientId });
  },
  'redeem the voucher': async (scene) => {
    const [token, party] = [await scene.voucher(), await scene.delegate()];
    return () => tokenExchange(scene.server, party, token, pkce().parameters);
  },
  'redeem the code': async (scene) => {
    const [code, party] = [await scene.code(), await scene.agent()];
    return () => redeemCode(scene.server, party, code);
  },
  'withdraw the consent': admin(
    'POST',
    async (scene) => person(`/consents/${await scene.consent()}/revoke`)(scene),
    of({}),
  ),
  'revoke the token': async (scene) => {
    const { agent: party, token } = await scene.task();
    return () => revoke(scene.server, party, token);
  },
  'have the token revoked': admin(
    'POST',
    async (scene) => `/api/admin/tokens/${(await scene.task()).tokenId}/revoke`,
    of({}),
  ),
  'complete the task': admin('POST', task('/complete'), of({})),
  'fail the task': admin('POST', task('/fail'), of({})),
  'revoke the task': admin('POST', task('/revoke'), of({})),
  'suspend the agent': admin('POST', agent('/suspend'), of({})),
  'delete the agent': admin('DELETE', agent('')),
  'rotate its secret': admin('POST', agent('/rotate-secret'), of({})),
  'rotate its secret at once': admin('POST', agent('/rotate-secret'), of({ immediate: true })),
  'rename it': admin('PUT', agent(''), of({ agent_name: 'Another name' })),
  'take some of its rights': admin('PUT', agent(''), of({ permissions: ['reports:read'] })),
  'take all its rights': admin('PUT', agent('/permissions'), of({ permissions: [] })),
  'give it the added permission': admin('PUT', agent('/permissions'), async (scene) => ({
    permissions: ['reports:read', await scene.permission()],
  })),
  'give it a tool': admin('POST', agent('/tools'), of({ tool_id: 'browse' })),
  'take a tool': admin('DELETE', agent('/tools/search')),
  'change its tier': admin('PUT', agent('/tier'), of({ tier: 'pro' })),
  'reactivate the suspended agent': admin('POST', suspended('/reactivate'), of({})),
  'delete the suspended agent': admin('DELETE', suspended('')),
  'rename the suspended agent': admin('PUT', suspended(''), of({ agent_name: 'Another name' })),
  'activate the pending agent': admin(
    'POST',
    async () => '/api/agents/activate',
    async (scene) => ({ registration_token: (await scene.pending()).token }),
  ),
  'delete the pending agent': admin(
    'DELETE',
    async (scene) => `/api/agents/${(await scene.pending()).clientId}`,
  ),
  'suspend the delegate': admin('POST', delegate('/suspend'), of({})),
  'delete the delegate': admin('DELETE', delegate('')),
  'make a key': admin('POST', keyed('/api-keys'), of({ name: 'Key' })),
  'rotate the key': admin('POST', key('/rotate'), of({})),
  'revoke the key': admin('DELETE', key('')),
  'suspend the agent of the key': admin('POST', keyed('/suspend'), of({})),
  'delete the agent of the key': admin('DELETE', keyed('')),
  'prove itself by the key': async (scene) => {
    const party = await scene.keyed();
    return () => verify(scene.server, party);
  },
  'refresh what the key opened': async (scene) => {
    const { refreshToken } = await verified(scene.server, await scene.keyed());
    return () => refreshWith(scene.server, refreshToken);
  },
  'narrow the role': admin('PUT', role(itself), of({ permissions: ['example:read'] })),
  'put the added permission into the role': admin('PUT', role(itself), async (scene) => ({
    permissions: ['example:read', await scene.permission()],
  })),
  'delete the role': admin('DELETE', role(itself)),
  'take the role': admin(
    'DELETE',
    role(async (scene) => `/agents/${(await scene.agent()).clientId}`),
  ),
  'give the delegate the role': admin(
    'PUT',
    role(async (scene) => `/agents/${(await scene.delegate()).clientId}`),
  ),
  'give the person the role': admin(
    'PUT',
    role(async (scene) => `/users/${(await scene.person()).userId}`),
  ),
  'remove the added permission': admin(
    'DELETE',
    async (scene) => `/api/admin/permissions/${await scene.permission()}`,
  ),
  'rename the person': admin('PUT', person(''), of({ name: 'Another name' })),
  'take the rights of the person': admin('PUT', person(''), of({ permissions: [] })),
  'give the person a password': admin('PUT', person(''), of({ password: 'another password of some length' })),
  'disable the person': admin('POST', person('/disable'), of({})),
  'sign the person out': admin('POST', person('/sign-out'), of({})),
  'rename the API': admin('PUT', api(''), of({ name: 'Another name' })),
  'narrow the API': admin('PUT', api(''), of({ scopes: ['reports:read'] })),
  'give the API another audience': admin('PUT', api(''), async (scene) => ({
    audiences: [`${(await scene.api()).audience}other/`],
  })),
  'register an API for that audience': admin(
    'POST',
    async () => '/api/admin/resource-servers',
    async (scene) => ({ name: 'Another API', audiences: [`${(await scene.api()).audience}other/`] }),
  ),
  'rotate the secret of the API': admin('POST', api('/rotate-secret'), of({ immediate: true })),
  'delete the API': admin('DELETE', api('')),
  'make a webhook': admin(
    'POST',
    async () => '/api/webhooks',
    async (scene) => ({
      url: 'https://example.com/other',
      events: ['permission.removed'],
      agent_id: (await scene.agent()).clientId,
    }),
  ),
  'describe the webhook': admin('PATCH', webhook(''), of({ description: 'Another' })),
  'disable the webhook': admin('POST', webhook('/disable'), of({})),
  'give the webhook a secret': admin('POST', webhook('/regenerate-secret'), of({})),
  'delete the webhook': admin('DELETE', webhook('')),
  'change its own registration': manage('PUT', { client_name: 'Another' }),
  'change all but the name of its own registration': manage('PUT', { client_name: undefined }),
  'delete its own registration': manage('DELETE'),
  'rename the client': admin('PUT', client(''), of({ agent_name: 'A third name' })),
  'suspend the client': admin('POST', client('/suspend'), of({})),
  'open a task as the client': async (scene) => {
    const party = await scene.client();
    const headers = basic(party.clientId, party.clientSecret);
    return () => clientCredentials(scene.server, { ...party, headers }, pkce().parameters);
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;
