import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import { rotateSecret } from '../../src/app/agents/rotate-secret.ts';
import { createApiKey } from '../../src/app/api-keys/create-api-key.ts';
import { rotateApiKey } from '../../src/app/api-keys/rotate-api-key.ts';
import type { AppContext } from '../../src/app/context.ts';
import { deleteResourceServer } from '../../src/app/resource-servers/delete-resource-server.ts';
import { registerResourceServer } from '../../src/app/resource-servers/register-resource-server.ts';
import { rotateResourceServerSecret } from '../../src/app/resource-servers/rotate-resource-server-secret.ts';
import { changeRoleOfAgent } from '../../src/app/roles/assign-role.ts';
import { createRole } from '../../src/app/roles/create-role.ts';
import { deleteWebhook } from '../../src/app/webhooks/delete-webhook.ts';
import { redeliver, testWebhook } from '../../src/app/webhooks/redeliver.ts';
import { registerWebhook } from '../../src/app/webhooks/register-webhook.ts';
import { switchWebhook } from '../../src/app/webhooks/switch-webhook.ts';
import type { AuditEventType } from '../../src/domain/audit-event.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { registeredAgent } from '../support/registered-agent.ts';
import { whenMeanwhile } from '../support/when-meanwhile.ts';

describe.each(['SQLite', 'PostgreSQL'] as const)('what is given to what has ended meanwhile (%s)', (kind) => {
  let database: TestDatabase | undefined;
  let made: TestContext;
  let context: AppContext;
  beforeAll(async () => {
    database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
    made = await createTestContext({ databaseUrl: database?.url });
    context = made.context;
  });
  afterAll(async () => {
    await made.close();
    await database?.drop();
  });

  const admin = { caller: CALLER, visitor: 'administrator' } as const;
  const hook = { url: 'https://hooks.example.com/x', events: ['agent.revoked'], description: 'Operations' };
  const remove = (clientId: string) =>
    changeAgentState(context, { caller: CALLER, clientId, to: 'deleted', reason: null });
  const agentDeleted = async () => {
    const { agent } = await registeredAgent(context);
    return { agent, meanwhile: whenMeanwhile(context, () => remove(agent.clientId)) };
  };
  const events = async (type: AuditEventType, clientId: string) =>
    (await context.store.audit.search({ type, clientId }, { limit: 10 })).items;

  test('an agent gets no role', async () => {
    const role = { caller: CALLER, name: 'late', description: 'Too late', permissions: ['reports:read'] };
    await createRole(context, role);
    const { agent, meanwhile } = await agentDeleted();
    const { clientId } = agent;
    const assigned = changeRoleOfAgent(meanwhile, 'assigned', { caller: CALLER, role: 'late', clientId });
    await expect(assigned).rejects.toMatchObject({ code: 'conflict' });
    expect(await events('role_assigned', clientId)).toEqual([]);
    expect((await context.store.agents.byId(clientId))?.roles).toEqual([]);
  });

  test('an agent gets no API key', async () => {
    const { agent, meanwhile } = await agentDeleted();
    const { clientId } = agent;
    const order = {
      caller: CALLER,
      clientId,
      proof: 'administrator',
      name: 'late',
      expiresIn: null,
    } as const;
    await expect(createApiKey(meanwhile, order)).rejects.toMatchObject({ code: 'conflict' });
    expect((await context.store.apiKeys.ofAgent(clientId, { limit: 10 })).items).toEqual([]);
  });

  test('an agent gets no other API key for the one it had', async () => {
    const { agent, meanwhile } = await agentDeleted();
    const { clientId } = agent;
    const order = { caller: CALLER, clientId, proof: 'administrator' } as const;
    const { key } = await createApiKey(context, { ...order, name: 'first', expiresIn: null });
    const rotated = rotateApiKey(meanwhile, { ...order, keyId: key.keyId, immediate: false });
    await expect(rotated).rejects.toMatchObject({ code: 'conflict' });
  });

  test('an agent gets no secret', async () => {
    const { agent, meanwhile } = await agentDeleted();
    const { clientId } = agent;
    const order = { caller: CALLER, clientId, proof: 'administrator', immediate: false } as const;
    await expect(rotateSecret(meanwhile, order)).rejects.toMatchObject({ code: 'conflict' });
    expect(await context.store.agents.secrets(clientId, context.clock.now())).toEqual([]);
  });

  test('a resource server gets no secret', async () => {
    const { server } = await registerResourceServer(context, {
      caller: CALLER,
      name: 'Reports API',
      audiences: [`https://${kind.toLowerCase()}.reports.example.com/`],
      scopes: null,
      tokenFormat: 'jwt',
    });
    const { clientId } = server;
    const meanwhile = whenMeanwhile(context, () =>
      deleteResourceServer(context, { caller: CALLER, clientId, reason: null }),
    );
    const rotated = rotateResourceServerSecret(meanwhile, { caller: CALLER, clientId, immediate: false });
    await expect(rotated).rejects.toMatchObject({ code: 'conflict' });
    expect(await context.store.agents.secrets(clientId, context.clock.now())).toEqual([]);
  });

  test('nobody gets a webhook about an agent', async () => {
    const { agent, meanwhile } = await agentDeleted();
    const { clientId: agentId } = agent;
    const registered = registerWebhook(meanwhile, { ...admin, ...hook, agentId });
    await expect(registered).rejects.toMatchObject({ code: 'conflict' });
    expect((await context.store.webhooks.search({ agentId }, { limit: 10 })).items).toEqual([]);
  });

  describe('a webhook', () => {
    const ways = [
      ['deleted', (webhookId: string) => deleteWebhook(context, { ...admin, webhookId })],
      [
        'disabled',
        (webhookId: string) => switchWebhook(context, { ...admin, webhookId, enabled: false, reason: null }),
      ],
    ] as const;
    const pending = async (webhookId: string) =>
      (await context.store.webhooks.deliveries(webhookId, { state: 'pending' }, { limit: 10 })).items;
    const registered = async () => {
      const { webhook } = await registerWebhook(context, { ...admin, ...hook, agentId: undefined });
      return webhook;
    };

    test.each(ways)('that was %s is sent no test', async (_how, end) => {
      const { id: webhookId } = await registered();
      const meanwhile = whenMeanwhile(context, () => end(webhookId));
      await expect(testWebhook(meanwhile, { ...admin, webhookId })).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await pending(webhookId)).toEqual([]);
    });

    test.each(ways)('that was %s is told nothing again', async (_how, end) => {
      const { id: webhookId } = await registered();
      const { id: deliveryId } = await testWebhook(context, { ...admin, webhookId });
      const { webhookOutbox } = made.store;
      const now = context.clock.now();
      const due = await webhookOutbox.due(now, {
        except: { hosts: [], parties: [] },
        mostOfParty: 10,
        most: 10,
      });
      const claimed = await webhookOutbox.claim(
        due.map(({ seq }) => seq),
        { id: deliveryId, now, until: now + 1000 },
      );
      await webhookOutbox.settle(
        claimed.map(({ seq, lease, webhook }) => ({
          seq,
          lease,
          webhookId: webhook.id,
          state: 'delivered',
          dueAt: now,
          attemptedAt: now,
          responseStatus: 204,
          responseExcerpt: null,
          error: null,
          durationMs: 1,
        })),
      );
      const meanwhile = whenMeanwhile(context, () => end(webhookId));
      await expect(redeliver(meanwhile, { ...admin, webhookId, deliveryId })).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await pending(webhookId)).toEqual([]);
    });
  });
});
