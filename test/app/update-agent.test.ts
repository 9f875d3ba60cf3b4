import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addTool, removeTool } from '../../src/app/agents/change-agent-tools.ts';
import type { AppContext } from '../../src/app/context.ts';
import { createUser } from '../../src/app/users/create-user.ts';
import { joinTask } from '../../src/app/issuance/join-task.ts';
import { type AgentEdits, updateAgent } from '../../src/app/agents/update-agent.ts';
import { CALLER, createTestContext, DEFAULT_AUDIENCE, type TestContext } from '../support/app-context.ts';
import { openFor, registeredAgent, resolved, TASK_VERIFIER } from '../support/registered-agent.ts';

let made: TestContext;
let context: AppContext;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

const update = (clientId: string, edits: AgentEdits) =>
  updateAgent(context, { caller: CALLER, clientId, edits });

describe('changing an agent', () => {
  test('changes what is named and nothing else, and records both sides', async () => {
    const { agent } = await registeredAgent(context);
    const updated = await update(agent.clientId, { name: 'Renamed', maxDepth: 2, tier: 'pro' });
    const metadata = { ...agent.metadata, client_name: 'Renamed' };
    expect(updated).toEqual({ ...agent, name: 'Renamed', maxDepth: 2, tier: 'pro', metadata });
    expect(await context.store.agents.byId(agent.clientId)).toEqual(updated);
    const events = await context.store.audit.search(
      { clientId: agent.clientId, type: 'agent_updated' },
      { limit: 1 },
    );
    expect(events.items[0]).toMatchObject({
      details: {
        before: { name: 'Research agent', maxDepth: null, tier: 'free' },
        after: { name: 'Renamed', maxDepth: 2, tier: 'pro' },
      },
    });
  });

  test('tells of another tier and of other permissions apart, and only of those', async () => {
    const { agent } = await registeredAgent(context);
    await update(agent.clientId, { tier: 'enterprise', permissions: ['reports:read'] });
    await update(agent.clientId, { tier: 'enterprise', permissions: ['reports:read'], description: 'Same' });
    const told = await context.store.audit.search({ clientId: agent.clientId }, { limit: 20 });
    const ranks = told.items.filter(({ type }) => /^agent_(tier|permissions)_/.test(type));
    expect(ranks.map(({ type, details }) => ({ type, details }))).toEqual([
      {
        type: 'agent_permissions_changed',
        details: { before: ['reports:read', 'reports:write'], after: ['reports:read'] },
      },
      { type: 'agent_tier_changed', details: { before: 'free', after: 'enterprise' } },
    ]);
  });

  test('grants what registration asked for, which is then no longer asked', async () => {
    const { agent } = await registeredAgent(context, {
      registrar: 'anyone',
      permissions: ['example:read', 'reports:read', 'reports:write'],
    });
    const permissions = ['example:read', 'reports:read'];
    const updated = await update(agent.clientId, { permissions });
    expect(updated).toMatchObject({ permissions, defaultScope: permissions });
    expect(updated.metadata).toMatchObject({ requested_permissions: ['reports:write'] });
  });

  test('keeps the default scope within the permissions', async () => {
    const { agent } = await registeredAgent(context);
    await expect(update(agent.clientId, { defaultScope: ['admin:read'] })).rejects.toMatchObject({
      code: 'parameter_invalid',
      details: { refused: ['admin:read'] },
    });
    await update(agent.clientId, { defaultScope: ['reports:read'] });
    const wider = await update(agent.clientId, {
      permissions: ['reports:read', 'reports:write', 'example:read'],
    });
    expect(wider.defaultScope).toEqual(['reports:read']);
    const narrower = await update(agent.clientId, { permissions: ['example:read'] });
    expect(narrower.defaultScope).toEqual([]);
  });

  test('a lowered ceiling leaves running tasks alone and bounds what is issued from now on', async () => {
    const { agent } = await registeredAgent(context);
    const issued = await openFor(context, agent);
    const lowered = await update(agent.clientId, { permissions: ['reports:read'] });
    expect(await resolved(context, issued)).toMatchObject({
      liveness: 'live',
      token: { scope: ['reports:read', 'reports:write'] },
    });
    const again = await joinTask(context, {
      caller: CALLER,
      agent: lowered,
      publicClient: false,
      request: { answer: context.digests.sha256(TASK_VERIFIER) },
      resources: [],
      detailed: false,
      refreshAllowed: false,
      task: issued.task,
      parentToken: undefined,
    });
    expect(again.access.token.scope).toEqual(['reports:read']);
    await expect(openFor(context, lowered, { scope: ['reports:write'] })).rejects.toMatchObject({
      code: 'scope_exceeds_ceiling',
    });
  });

  test('names audiences and an owner that exist', async () => {
    const { agent } = await registeredAgent(context);
    const { userId } = await createUser(context, {
      caller: CALLER,
      email: 'owner@example.com',
      name: 'Owner',
      password: 'a long enough password',
      permissions: [],
    });
    const updated = await update(agent.clientId, { audiences: [DEFAULT_AUDIENCE], owner: userId });
    expect(updated).toMatchObject({ audiences: [DEFAULT_AUDIENCE], owner: userId });
    expect(await update(agent.clientId, { audiences: null, owner: null })).toMatchObject({
      audiences: null,
      owner: null,
    });
    await expect(update(agent.clientId, { audiences: ['https://nowhere.example'] })).rejects.toMatchObject({
      code: 'audience_unknown',
    });
    await expect(update(agent.clientId, { owner: 'usr_nobody' })).rejects.toMatchObject({
      code: 'parameter_invalid',
    });
  });

  test.each([
    ['maxDepth', -1],
    ['maxDepth', 17],
    ['maxChildren', 1.5],
    ['maxTaskSeconds', 0],
  ])('refuses %s = %d', async (member, value) => {
    const { agent } = await registeredAgent(context);
    await expect(update(agent.clientId, { [member]: value })).rejects.toMatchObject({
      code: 'parameter_invalid',
    });
  });
});

describe('the tools of an agent', () => {
  test('are added once and taken away', async () => {
    const { agent } = await registeredAgent(context);
    const { clientId } = agent;
    const tool = { caller: CALLER, clientId, tool: 'browse' };
    expect((await addTool(context, tool)).tools).toEqual(['search', 'browse']);
    expect((await addTool(context, tool)).tools).toEqual(['search', 'browse']);
    expect((await removeTool(context, tool)).tools).toEqual(['search']);
    await expect(removeTool(context, tool)).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each([
    ['added', addTool, 'browse'],
    ['removed', removeTool, 'search'],
  ] as const)(
    'a tool that is %s while another one is added takes nothing away',
    async (_how, change, tool) => {
      const { agent } = await registeredAgent(context);
      const { clientId } = agent;
      const { agents } = context.store;
      let other: Promise<unknown> | undefined;
      const byId: typeof agents.byId = async (id) => {
        const found = await agents.byId(id);
        // Once it was read somebody else changes it.
        await (other ??= addTool(context, { caller: CALLER, clientId, tool: 'other' }));
        return found;
      };
      const interrupted = { ...context, store: { ...context.store, agents: { ...agents, byId } } };
      const changing = change(interrupted, { caller: CALLER, clientId, tool });
      await expect(changing).rejects.toMatchObject({ code: 'conflict' });
      expect((await agents.byId(clientId))?.tools).toEqual(['search', 'other']);
    },
  );
});
