import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Change, REGISTRY_CHANGED } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anId, aTask, aUnit, T0 } from '../support/fixtures.ts';
import { memoryInUse } from '../support/memory-in-use.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'not as expected');

onEveryDatabase('what is remembered of the registry', (open) => {
  let store: DatabaseStore;
  beforeAll(() => {
    store = createStore(open());
  });
  const commit = (...changes: Change[]) => store.commit(aUnit(changes));

  test('carries a version that changes with everything that is registered, whoever writes it', async () => {
    const agent = anAgent();
    const server = {
      clientId: agent.clientId,
      name: 'API',
      audiences: [`https://${anId().toLowerCase()}.example`],
      scopes: null,
      tokenFormat: 'jwt',
      createdAt: T0,
    } as const;
    const secret = { id: anId(), clientId: agent.clientId, digest: anId(), createdAt: T0, expiresAt: null };
    const { clientId } = agent;
    const name = `role-${anId().toLowerCase()}`;
    const role = { name, description: '', permissions: ['a:b:c'], createdAt: T0, updatedAt: T0 };
    const steps: Record<string, () => Promise<unknown>> = {
      'a new agent': () => commit({ do: 'insert_agent', agent, miss }),
      'an agent that changed': () =>
        commit({ do: 'update_agent', clientId, expectEpoch: 0, set: { permissions: ['files:read'] }, miss }),
      'a new secret': () => commit({ do: 'insert_secret', secret }),
      'secrets that expire': () => commit({ do: 'expire_secrets', clientId, except: null, at: T0 }),
      'a new resource server': () => commit({ do: 'insert_resource_server', server, miss }),
      'a resource server that changed': () =>
        commit({ do: 'update_resource_server', server: { ...server, name: 'The API' }, miss }),
      'a resource server that goes': () => commit({ do: 'delete_resource_server', clientId }),
      'a new role': () => commit({ do: 'insert_role', role, miss }),
      'a role that is assigned': () =>
        commit({
          do: 'assign_role',
          role: role.name,
          holder: { kind: 'agent', id: clientId },
          most: 20,
          at: T0,
          miss,
        }),
      'a role that changed': () =>
        commit({ do: 'update_role', role: { ...role, permissions: [] }, expect: role, miss }),
      'a role that is taken back': () =>
        commit({ do: 'unassign_role', role: role.name, holder: { kind: 'agent', id: clientId }, miss }),
      'a role that goes': () => commit({ do: 'delete_role', name: role.name, miss }),
      'an operator with a prompt': () =>
        open().knex('agents').where({ client_id: clientId }).update({ name: 'X' }),
    };
    for (const [what, change] of Object.entries(steps)) {
      const { version } = await store.registry.remembered();
      expect([what, await store.registry.isCurrent(version)]).toEqual([what, true]);
      await change();
      expect([what, await store.registry.isCurrent(version)]).toEqual([what, false]);
    }
    const { version } = await store.registry.remembered();
    await commit({ do: 'insert_task', task: aTask(), miss });
    expect(await store.registry.isCurrent(version)).toBe(true);
  });

  test('is not read again while it is current, and read anew when it is not', async () => {
    const agent = anAgent();
    const { clientId } = agent;
    await commit({ do: 'insert_agent', agent, miss });
    await store.registry.isCurrent(0);
    const view = await store.registry.remembered();
    const known = await view.agents.withSecrets(clientId);
    expect(known).toEqual({ agent, secrets: [] });
    expect(await view.agents.withSecrets(clientId)).toBe(known);
    expect(await store.registry.remembered()).toBe(view);

    await commit({
      do: 'update_agent',
      clientId,
      expectEpoch: 0,
      set: { state: 'suspended', epoch: 1 },
      miss,
    });
    expect(await view.agents.byId(clientId)).toMatchObject({ state: 'active' });
    expect(await store.registry.isCurrent(view.version)).toBe(false);
    expect(await (await store.registry.remembered()).agents.byId(clientId)).toMatchObject({
      state: 'suspended',
    });
  });

  test('does not hold what does not exist', async () => {
    const agent = anAgent();
    await store.registry.isCurrent(0);
    const { agents } = await store.registry.remembered();
    expect(await agents.withSecrets(agent.clientId)).toBeUndefined();
    await commit({ do: 'insert_agent', agent, miss });
    expect(await agents.byId(agent.clientId)).toEqual(agent);
  });

  describe('a unit that was decided on it', () => {
    test('is committed while it is current', async () => {
      const task = aTask();
      await store.registry.isCurrent(0);
      const { version } = await store.registry.remembered();
      await store.commit({ ...aUnit([{ do: 'insert_task', task, miss }]), registry: version });
      expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    });

    test('misses when it is not, and its neighbours in the batch do not', async () => {
      await store.registry.isCurrent(0);
      const { version } = await store.registry.remembered();
      await commit({ do: 'insert_agent', agent: anAgent(), miss });
      const tasks = [aTask(), aTask(), aTask(), aTask()];
      const outcomes = await Promise.allSettled(
        tasks.map((task, i) =>
          store.commit({
            ...aUnit([{ do: 'insert_task', task, miss }]),
            registry: [version, version + 1, undefined, version][i],
          }),
        ),
      );
      expect(outcomes.map((one) => (one.status === 'rejected' ? one.reason : 'stored'))).toEqual([
        REGISTRY_CHANGED,
        'stored',
        'stored',
        REGISTRY_CHANGED,
      ]);
      const stored = await store.tasks.byHandles(tasks.map(({ handle }) => handle));
      expect(stored).toEqual([tasks[1], tasks[2]]);
    });
  });

  test('is kept without the requests that named it', async () => {
    const size = 200_000;
    const agents = Array.from({ length: 100 }, () => anAgent());
    await commit(...agents.map((agent): Change => ({ do: 'insert_agent', agent, miss })));
    const { agents: remembered } = await store.registry.remembered();
    const before = memoryInUse();
    for (const { clientId } of agents) {
      const body = Buffer.from(`${'x'.repeat(size)}${clientId}`).toString('latin1');
      expect(await remembered.byId(body.slice(size))).toMatchObject({ clientId });
    }
    expect(memoryInUse() - before).toBeLessThan((agents.length * size) / 4);
  });
});
