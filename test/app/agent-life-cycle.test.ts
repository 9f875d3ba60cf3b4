import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentTarget, changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import type { AppContext } from '../../src/app/context.ts';
import { listAgents } from '../../src/app/agents/list-agents.ts';
import { registerAgent } from '../../src/app/agents/register-agent.ts';
import { viewAgent } from '../../src/app/agents/view-agent.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { aRegistration, openFor, registeredAgent, resolved } from '../support/registered-agent.ts';

let made: TestContext;
let context: AppContext;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

const change = (clientId: string, to: AgentTarget): Promise<Agent> =>
  changeAgentState(context, { caller: CALLER, clientId, to, reason: 'because' });

describe('cutting an agent off', () => {
  test.each(['suspended', 'deleted'] as const)('%s ends its live tokens with one ledger row', async (to) => {
    const { agent } = await registeredAgent(context);
    const issued = await openFor(context, agent);
    const before = await context.store.counts(context.clock.now());
    const cut = await change(agent.clientId, to);
    expect(cut.epoch).toBe(1);
    expect((await resolved(context, issued)).liveness).toBe('revoked');
    const after = await context.store.counts(context.clock.now());
    expect(after.revocations - before.revocations).toBe(1);
    expect(after.auditEvents - before.auditEvents).toBe(1);
  });

  test('a task that is opened while the agent is being suspended is dead at birth or never born', async () => {
    const { agent } = await registeredAgent(context);
    const [, ...opened] = await Promise.allSettled([
      change(agent.clientId, 'suspended'),
      ...Array.from({ length: 5 }, () => openFor(context, agent)),
    ]);
    for (const outcome of opened) {
      if (outcome.status === 'fulfilled') {
        expect((await resolved(context, outcome.value)).liveness).toBe('revoked');
      }
    }
    await expect(openFor(context, agent)).rejects.toMatchObject({ code: 'parent_revoked' });
  });

  test('reactivating lets it start anew and revives nothing', async () => {
    const { agent } = await registeredAgent(context);
    const old = await openFor(context, agent);
    await change(agent.clientId, 'suspended');
    const back = await change(agent.clientId, 'active');
    expect(back).toMatchObject({ state: 'active', epoch: 1, activatedAt: agent.activatedAt });
    expect((await resolved(context, old)).liveness).toBe('revoked');
    expect((await resolved(context, await openFor(context, back))).liveness).toBe('live');
  });

  test('suspending a second time also ends what was opened in between', async () => {
    const { agent } = await registeredAgent(context);
    await change(agent.clientId, 'suspended');
    const between = await openFor(context, await change(agent.clientId, 'active'));
    await change(agent.clientId, 'suspended');
    expect((await resolved(context, between)).liveness).toBe('revoked');
  });

  test('deleting ends the secrets, hides the agent and keeps its row', async () => {
    const { agent } = await registeredAgent(context);
    const { clientId } = agent;
    await change(clientId, 'deleted');
    expect(await context.store.agents.secrets(clientId, context.clock.now())).toEqual([]);
    const look = { caller: CALLER, clientId, self: 'someone', administrator: true };
    await expect(viewAgent(context, look)).rejects.toMatchObject({ code: 'not_found' });
    expect(await viewAgent(context, { ...look, includeDeleted: true })).toMatchObject({ state: 'revoked' });
    const listed = await listAgents(context, { caller: CALLER, page: { limit: 200 } });
    expect(listed.items.map((each) => each.clientId)).not.toContain(clientId);
  });

  test('two administrators cannot overwrite each other', async () => {
    const { agent } = await registeredAgent(context);
    const outcomes = await Promise.allSettled([
      change(agent.clientId, 'suspended'),
      change(agent.clientId, 'deleted'),
    ]);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    const stored = await context.store.agents.byId(agent.clientId);
    expect(stored?.epoch).toBe(1);
  });
});

describe('the life cycle', () => {
  test.each([
    ['pending', 'suspended'],
    ['active', 'active'],
  ] as const)('a %s agent cannot become %s', async (from, to) => {
    const agent =
      from === 'pending'
        ? (await registerAgent(context, aRegistration())).agent
        : (await registeredAgent(context)).agent;
    await expect(change(agent.clientId, to)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a deleted agent is gone for good', async () => {
    const { agent } = await registeredAgent(context);
    await change(agent.clientId, 'deleted');
    for (const to of ['active', 'suspended', 'deleted'] as const) {
      await expect(change(agent.clientId, to)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  test('an administrator may activate a pending agent', async () => {
    const { agent } = await registerAgent(context, aRegistration());
    expect(await change(agent.clientId, 'active')).toMatchObject({
      activatedAt: context.clock.now(),
      epoch: 0,
    });
    const events = await context.store.audit.search(
      { clientId: agent.clientId, type: 'agent_activated' },
      { limit: 1 },
    );
    expect(events.items[0]).toMatchObject({ reason: 'because', actor: 'tester' });
  });

  test('the built-in client can be suspended but not deleted', async () => {
    await expect(change('taskgrant-admin', 'deleted')).rejects.toMatchObject({ code: 'conflict' });
    await change('taskgrant-admin', 'suspended');
    await change('taskgrant-admin', 'active');
  });

  test('credentials of resource servers are not agents', async () => {
    await expect(change('rs_example', 'suspended')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('who sees an agent', () => {
  test('itself and administrators; for everyone else it does not exist', async () => {
    const { agent } = await registeredAgent(context);
    const { clientId } = agent;
    const look = { caller: CALLER, clientId, administrator: false };
    expect(await viewAgent(context, { ...look, self: clientId })).toEqual(agent);
    expect(await viewAgent(context, { ...look, self: 'other', administrator: true })).toEqual(agent);
    const refusal = { code: 'not_found', message: 'there is no such agent' };
    await expect(viewAgent(context, { ...look, self: 'other' })).rejects.toMatchObject(refusal);
    const unknown = { ...look, clientId: 'nobody', self: 'other' };
    await expect(viewAgent(context, unknown)).rejects.toMatchObject(refusal);
  });
});
