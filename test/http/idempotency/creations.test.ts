import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { ApiClient } from '../../support/api-client.ts';
import { registeredAgent } from '../../support/registered-agent.ts';
import { AN_AGENT, A_WEBHOOK, idempotencyScene } from './scene.ts';

const { on, post } = idempotencyScene();

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

test('every route that creates something creates it once for a key', async () => {
  const creating = on.api.routes
    .filter(({ contract }) => contract.creates)
    .map(({ contract }) => contract.path);
  expect(Object.keys(CREATIONS).sort()).toEqual(creating.sort());
  for (const [route, prepare] of Object.entries(CREATIONS)) {
    const { path = route, body } = await prepare(on.api);
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
  const others = on.api.routes.filter(({ contract }) => contract.creates && contract.method !== 'post');
  expect(others).toEqual([]);
});

test('every route that issues tokens takes the key, and proves each time who asks', () => {
  const issuing = on.api.routes.filter(({ contract }) => contract.issues);
  expect(issuing.length).toBeGreaterThan(0);
  expect(issuing.filter(({ contract, prove }) => !contract.creates || !prove)).toEqual([]);
});

async function everything() {
  return on.api.store.counts(on.api.clock.now());
}
