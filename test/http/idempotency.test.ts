import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deriveTask } from '../../src/app/issuance/derive-task.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { type ApiClient, createApiClient } from '../support/api-client.ts';
import { CALLER } from '../support/app-context.ts';
import { registeredAgent, TASK_VERIFIER } from '../support/registered-agent.ts';

const AGENTS = '/api/agents/register';
const AN_AGENT = { agent_name: 'Research agent', permissions: ['example:read'] };
const DAY = 86_400;

let api: ApiClient;
let token: string;
beforeEach(async () => {
  api = await createApiClient();
  token = await api.adminToken();
});
afterEach(() => api.close());

function post(path: string, body: object, key: string | undefined, as: string | null = token) {
  return api.send('post', path, {
    body,
    ...(as === null ? {} : { token: as }),
    headers: key === undefined ? {} : { 'Idempotency-Key': key },
  });
}

/** What any request of an agent has in common. */
const asking = (agent: Agent) => ({
  caller: CALLER,
  agent,
  publicClient: false,
  detailed: false,
  refreshAllowed: false,
});

async function tokenOf(agent: Agent, ...resources: string[]): Promise<string> {
  const codeChallenge = api.context.digests.sha256(TASK_VERIFIER);
  const issued = await openTask(api.context, { ...asking(agent), request: { codeChallenge }, resources });
  return issued.access.value;
}

async function partOf(agent: Agent, parentToken: string): Promise<string> {
  const request = { answer: api.context.digests.sha256(TASK_VERIFIER), scope: [] };
  const order = { ...asking(agent), request, resources: [], parentToken, origin: 'token_exchange' } as const;
  return (await deriveTask(api.context, order)).access.value;
}

async function agentsNamed(name: string) {
  return (await api.store.agents.search({ name }, { limit: 100 })).items.length;
}

describe('a request that creates something, sent again with its Idempotency-Key', () => {
  test('gets the same answer, secrets included, says so, and creates nothing', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([201, undefined]);
    const second = await post(AGENTS, AN_AGENT, key);
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(second.text).toBe(first.text);
    expect(first.body.credentials.client_secret).toMatch(/^tgs_/);
    expect(await agentsNamed('Research agent')).toBe(1);
    expect((await api.events('agent_registered')).filter(({ actor }) => actor !== 'system')).toHaveLength(1);
    expect(await api.events('answer_repeated')).toEqual([
      expect.objectContaining({
        actor: 'taskgrant-admin',
        details: expect.objectContaining({ method: 'POST', path: AGENTS }),
      }),
    ]);
  });

  test('is the same whatever the order of its members, and its key with or without quotes', async () => {
    const first = await post(AGENTS, { agent_name: 'One', description: 'a' }, '"k-1"');
    const second = await post(AGENTS, { description: 'a', agent_name: 'One' }, 'k-1');
    expect(second.text).toBe(first.text);
    const third = await post(AGENTS, { agent_name: 'One', description: 'a' }, String.raw`"k\"1"`);
    expect(third.body.agent.client_id).not.toBe(first.body.agent.client_id);
  });

  test('with another body is refused, and that is on record', async () => {
    const key = randomUUID();
    await post(AGENTS, AN_AGENT, key);
    const other = await post(AGENTS, { ...AN_AGENT, agent_name: 'Another agent' }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await agentsNamed('Another agent')).toBe(0);
    expect((await api.events('request_refused')).map(({ reason }) => reason)).toEqual([
      'idempotency_key_reused',
    ]);
  });

  test('is another request at another path and from another caller', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    const reader = await api.adminToken('admin:read');
    const lesser = await post(AGENTS, AN_AGENT, key, reader);
    const stranger = await post(AGENTS, AN_AGENT, key, null);
    const again = await post(AGENTS, AN_AGENT, key, null);
    expect(again.text).toBe(stranger.text);
    const ids = [first, lesser, stranger].map(({ body }) => body.agent.client_id);
    expect(new Set(ids).size).toBe(3);
    const person = { email: 'ada@example.com', name: 'Ada', password: 'a password of some length' };
    expect((await post('/api/admin/users', person, key)).status).toBe(201);
  });

  test('is not told to a token of the same agent that may less, only to one like the first', async () => {
    const { agent } = await registeredAgent(api.context);
    const reports = 'https://reports.example.com';
    await post('/api/admin/resource-servers', { name: 'Reports', audiences: [reports] }, undefined);
    const [own, another, seenElsewhere] = await Promise.all([
      tokenOf(agent),
      tokenOf(agent),
      tokenOf(agent, reports),
    ]);
    const part = await partOf(agent, own);
    const key = randomUUID();
    const first = await post('/api/webhooks', A_WEBHOOK, key, own);
    expect(first.status).toBe(201);
    for (const lesser of [seenElsewhere, part]) {
      const refused = await post('/api/webhooks', A_WEBHOOK, key, lesser);
      expect([refused.status, refused.body.secret]).toEqual([403, undefined]);
    }
    expect((await post('/api/webhooks', A_WEBHOOK, key, another)).text).toBe(first.text);
  });

  test('is answered anew where it was refused before: a refusal creates nothing', async () => {
    const key = randomUUID();
    const refused = await post(AGENTS, { agent_name: 'x' }, key);
    expect([refused.status, refused.body.code]).toEqual([400, 'parameter_invalid']);
    expect((await post(AGENTS, AN_AGENT, key)).status).toBe(201);
  });

  test('creates something else a day later', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    api.clock.advance(DAY - 1);
    token = await api.adminToken();
    expect((await post(AGENTS, AN_AGENT, key)).text).toBe(first.text);
    api.clock.advance(1);
    const later = await post(AGENTS, AN_AGENT, key);
    expect(later.headers['idempotent-replayed']).toBeUndefined();
    expect(later.body.agent.client_id).not.toBe(first.body.agent.client_id);
    expect((await post(AGENTS, AN_AGENT, key)).text).toBe(later.text);
  });

  test('creates twice without a key, as ever', async () => {
    await post(AGENTS, AN_AGENT, undefined);
    await post(AGENTS, AN_AGENT, undefined);
    expect(await agentsNamed('Research agent')).toBe(2);
  });
});

describe('a key that cannot be one', () => {
  test.each([
    ['empty', ''],
    ['an empty string', '""'],
    ['too long', 'k'.repeat(256)],
    ['two of them', 'one, two'],
    ['with a parameter', '"one";a=1'],
    ['an open string', '"one'],
    ['beyond ASCII', 'schl\u00fcssel-1'],
    ['a control character', 'one\ttwo'],
  ])('is refused: %s', async (_what, key) => {
    const answer = await post(AGENTS, AN_AGENT, key);
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_invalid']);
    expect(await agentsNamed('Research agent')).toBe(0);
  });

  test('is one that others on the same network could choose, where nobody is authenticated', async () => {
    const answer = await post(AGENTS, AN_AGENT, 'key-1', null);
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_invalid']);
    expect((await post(AGENTS, AN_AGENT, 'k'.repeat(255), null)).status).toBe(201);
  });

  test.each(['constructor', '__proto__', 'toString'])(
    'is not the name of something else: %s',
    async (key) => {
      const first = await post(AGENTS, AN_AGENT, key);
      expect((await post(AGENTS, AN_AGENT, key)).text).toBe(first.text);
    },
  );
});

describe('when the answer did not arrive', () => {
  test('because nobody learnt of the commit, the repetition gets it', async () => {
    const key = randomUUID();
    const { store } = api.context;
    const { commit } = store;
    Object.assign(store, {
      async commit(unit: Parameters<typeof commit>[0]) {
        await commit(unit);
        if (unit.changes.some((change) => change.do === 'insert_idempotency_record'))
          throw new UnavailableError('database_unavailable', 'the connection was lost');
      },
    });
    const lost = await post(AGENTS, AN_AGENT, key);
    Object.assign(store, { commit });
    expect(lost.status).toBe(503);
    const again = await post(AGENTS, AN_AGENT, key);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(again.body.credentials.client_secret).toMatch(/^tgs_/);
    expect(await agentsNamed('Research agent')).toBe(1);
  });

  test('because nothing was committed, the repetition creates', async () => {
    const key = randomUUID();
    const { store } = api.context;
    const { commit } = store;
    Object.assign(store, {
      commit: async () => {
        throw new Error('the disk is full');
      },
    });
    expect((await post(AGENTS, AN_AGENT, key)).status).toBe(500);
    Object.assign(store, { commit });
    const again = await post(AGENTS, AN_AGENT, key);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(await agentsNamed('Research agent')).toBe(1);
  });
});

/** A request for each route that creates something; a new one of them needs a line here. */
const CREATIONS: Record<string, (context: ApiClient) => Promise<{ path?: string; body: object }>> = {
  '/api/agents/register': async () => ({ body: AN_AGENT }),
  '/api/agents/:clientId/rotate-secret': async ({ context }) => {
    const { agent } = await registeredAgent(context);
    return { path: `/api/agents/${agent.clientId}/rotate-secret`, body: { immediate: true } };
  },
  '/agents/register': async () => ({ body: { name: 'Support', owner_email: 'you@company.com' } }),
  '/api/agents/:clientId/api-keys': async ({ context }) => {
    const { agent } = await registeredAgent(context);
    return { path: `/api/agents/${agent.clientId}/api-keys`, body: { name: 'Laptop' } };
  },
  '/api/agents/:clientId/api-keys/:keyId/rotate': async ({ context }) => {
    const { agent } = await registeredAgent(context);
    const path = `/api/agents/${agent.clientId}/api-keys`;
    const { body } = await post(path, { name: 'Laptop' }, undefined);
    return { path: `${path}/${body.key.key_id}/rotate`, body: {} };
  },
  '/agents/verify': async () => ({ body: await anAgentWithKey() }),
  '/agents/refresh': async () => {
    const { body } = await post('/agents/verify', await anAgentWithKey(), undefined);
    return { body: { refresh_token: body.token.refresh_token } };
  },
  '/auth/login': async () => {
    const { api_key } = await anAgentWithKey();
    return { body: { api_key } };
  },
  '/api/admin/roles': async () => ({ body: { name: 'support', permissions: ['zendesk:tickets:*'] } }),
  '/api/admin/permissions': async () => ({
    body: { permission: 'crm:notes:read', description: 'Read the notes on a customer' },
  }),
  '/api/admin/users': async () => ({
    body: { email: 'ada@example.com', name: 'Ada', password: 'a password of some length' },
  }),
  '/api/admin/resource-servers': async () => ({
    body: { name: 'Reports', audiences: ['https://reports.example.com'] },
  }),
  '/api/admin/resource-servers/:clientId/rotate-secret': async () => {
    const { body } = await post(
      '/api/admin/resource-servers',
      { name: 'Mail', audiences: ['https://mail.example.com'] },
      undefined,
    );
    return { path: `/api/admin/resource-servers/${body.credentials.client_id}/rotate-secret`, body: {} };
  },
  '/api/webhooks': async () => ({ body: A_WEBHOOK }),
  '/api/webhooks/:webhookId/regenerate-secret': async () => {
    const { body } = await post('/api/webhooks', A_WEBHOOK, undefined);
    return { path: `/api/webhooks/${body.webhook.id}/regenerate-secret`, body: {} };
  },
  '/api/webhooks/:webhookId/test': async () => {
    const { body } = await post('/api/webhooks', A_WEBHOOK, undefined);
    return { path: `/api/webhooks/${body.webhook.id}/test`, body: {} };
  },
};

async function anAgentWithKey(): Promise<{ agent_id: string; api_key: string }> {
  const { body } = await post(
    '/agents/register',
    { name: 'Support', owner_email: 'you@company.com' },
    undefined,
  );
  const { agent_id, api_key } = body;
  return { agent_id, api_key };
}

const A_WEBHOOK = { url: 'https://hooks.example.com/', events: ['task.opened'] };

test('every route that creates something creates it once for a key', async () => {
  const creating = api.routes.filter(({ contract }) => contract.creates).map(({ contract }) => contract.path);
  expect(Object.keys(CREATIONS).sort()).toEqual(creating.sort());
  for (const [route, prepare] of Object.entries(CREATIONS)) {
    const { path = route, body } = await prepare(api);
    const key = randomUUID();
    const first = await post(path, body, key);
    expect([route, first.status < 300]).toEqual([route, true]);
    const rows = await everything();
    const second = await post(path, body, key);
    expect([route, second.headers['idempotent-replayed'], second.text]).toEqual([route, 'true', first.text]);
    expect([route, await everything()]).toEqual([route, { ...rows, auditEvents: rows.auditEvents + 1 }]);
  }
});

test('only a POST creates', () => {
  const others = api.routes.filter(({ contract }) => contract.creates && contract.method !== 'post');
  expect(others).toEqual([]);
});

test('every route that issues tokens takes the key, and proves each time who asks', () => {
  const issuing = api.routes.filter(({ contract }) => contract.issues);
  expect(issuing.length).toBeGreaterThan(0);
  expect(issuing.filter(({ contract, prove }) => !contract.creates || !prove)).toEqual([]);
});

async function everything() {
  return api.store.counts(api.clock.now());
}
