import type { Response } from 'supertest';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { type ApiClient, createApiClient } from './api-client.ts';

const RIGHTS = new Map(['example:read', 'reports:read', 'reports:write'].map((right) => [right, right]));

/** What `/agents/verify` takes of an agent. */
interface KeyHolder {
  readonly agent_id: string;
  readonly api_key: string;
}

/** An agent with an API key, at a server of its own. Requests carry an Idempotency-Key where one is given. */
export async function startKeyHolder() {
  const api = await createApiClient({ settings: { catalogue: RIGHTS } });
  const admin = await api.adminToken();

  async function administer(method: 'post' | 'put' | 'get' | 'delete', path: string, body?: object) {
    const answer = await api.send(method, path, { token: admin, ...(body ? { body } : {}) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  }

  async function register(): Promise<KeyHolder> {
    const permissions = ['example:read', 'reports:write'];
    const body = { name: 'Support', owner_email: 'you@company.com', permissions };
    const { agent_id, api_key } = await administer('post', '/agents/register', body);
    return { agent_id, api_key };
  }

  function post(path: string, body: object, key: string | undefined, node: ApiClient = api) {
    return node.send('post', path, { body, headers: key === undefined ? {} : { 'Idempotency-Key': key } });
  }

  const agent = await register();
  const at = `/api/agents/${agent.agent_id}`;
  return {
    api,
    agent,
    at,
    administer,
    register,
    post,
    verify: (key: string | undefined, more: object = {}) =>
      post('/agents/verify', { ...agent, ...more }, key),
    refresh: (token: string, key: string | undefined, more: object = {}) =>
      post('/agents/refresh', { refresh_token: token, ...more }, key),
    suspend: () => administer('post', `${at}/suspend`, {}),
    setRights: (permissions: string[]) =>
      administer('put', `/agents/${agent.agent_id}/permissions`, { permissions }),
    /** Whether an access token of the agent works. */
    works: async (token: string) =>
      (await api.send('get', `/agents/${agent.agent_id}`, { token })).status === 200,
    /** What the audit trail holds of one type about the agent. */
    facts: async (type: Parameters<ApiClient['events']>[0]) =>
      (await api.events(type)).filter(({ clientId }) => clientId === agent.agent_id),
    /** Lets something happen between the next decision of that kind and its commit. */
    beforeCommit(kind: (unit: UnitOfWork) => boolean, meanwhile: () => Promise<unknown>): void {
      const { commit } = api.store;
      Object.assign(api.store, {
        async commit(unit: UnitOfWork) {
          if (!kind(unit)) return commit(unit);
          Object.assign(api.store, { commit });
          await meanwhile();
          return commit(unit);
        },
      });
    },
  };
}

/** A unit that creates something and keeps the answer. */
export const creates = ({ changes }: UnitOfWork): boolean =>
  changes.some((change) => change.do === 'insert_idempotency_record');

/** A unit by which an answer is given again. */
export const repeats = ({ events }: UnitOfWork): boolean =>
  events.some(({ type }) => type === 'answer_repeated');

/** `true` for an answer that was given before. */
export const replayed = ({ headers }: Response): string | undefined => headers['idempotent-replayed'];
