import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Role, RoleHolder } from '../../src/domain/role.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anId, aUnit, aUser, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'not as expected');

function aRole(over: Partial<Role> = {}): Role {
  return {
    name: `role-${anId().toLowerCase()}`,
    description: 'What support needs',
    permissions: ['zendesk:tickets:*', 'reports:read'],
    createdAt: T0,
    updatedAt: T0,
    ...over,
  };
}

onEveryDatabase('roles', (open) => {
  let store: DatabaseStore;
  beforeAll(() => {
    store = createStore(open());
  });
  const commit = (...changes: Change[]) => store.commit(aUnit(changes));
  const assign = (role: Role, holder: RoleHolder, at = T0) =>
    commit({ do: 'assign_role', role: role.name, holder, most: 3, at, miss });

  async function stored(over: Partial<Role> = {}): Promise<Role> {
    const role = aRole(over);
    await commit({ do: 'insert_role', role, miss });
    return role;
  }

  async function storedAgent(name = 'Research agent') {
    const agent = anAgent({ name });
    await commit({ do: 'insert_agent', agent, miss });
    return agent;
  }

  test('are read as they were written, page by page and oldest first', async () => {
    const roles = [await stored(), await stored({ createdAt: T0 + 1 }), await stored({ createdAt: T0 + 2 })];
    expect(await store.roles.byName(roles[0]?.name ?? '')).toEqual(roles[0]);
    expect(await store.roles.byName('nobody')).toBeUndefined();
    const found: Role[] = [];
    let after: string | undefined;
    do {
      const page = await store.roles.search({ limit: 2, after });
      found.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(found.filter(({ name }) => roles.some((role) => role.name === name))).toEqual(roles);
  });

  test('have names of their own', async () => {
    const role = await stored();
    await expect(commit({ do: 'insert_role', role: { ...role, permissions: [] }, miss })).rejects.toBe(miss);
    expect(await store.roles.byName(role.name)).toEqual(role);
  });

  test('change only from what was read', async () => {
    const role = await stored();
    const first = { ...role, permissions: ['reports:read'], updatedAt: T0 + 1 };
    await commit({ do: 'update_role', role: first, expect: role, miss });
    const second = { ...role, permissions: ['*:*:*'], updatedAt: T0 + 2 };
    await expect(commit({ do: 'update_role', role: second, expect: role, miss })).rejects.toBe(miss);
    expect(await store.roles.byName(role.name)).toEqual(first);
    await expect(commit({ do: 'update_role', role: aRole(), expect: aRole(), miss })).rejects.toBe(miss);
  });

  describe('that are assigned', () => {
    test('are read with their holders, by every read, in the order of their names', async () => {
      const [b, a] = [
        await stored({ name: `b-${anId().toLowerCase()}` }),
        await stored({ name: `a-${anId().toLowerCase()}`, permissions: ['files:read'] }),
      ];
      const agent = await storedAgent(`Agent ${anId()}`);
      const user = aUser();
      await commit({ do: 'insert_user', user, passwordHash: 'hash', miss });
      const registration = {
        do: 'insert_registration_token',
        digest: anId(),
        clientId: agent.clientId,
        expiresAt: T0,
      } as const;
      await commit(registration);
      for (const role of [b, a]) {
        await assign(role, { kind: 'agent', id: agent.clientId });
        await assign(role, { kind: 'user', id: user.userId });
      }
      const roles = [a, b].map(({ name, permissions }) => ({ name, permissions }));
      expect(await store.agents.byId(agent.clientId)).toEqual({ ...agent, roles });
      expect(await store.agents.withSecrets(agent.clientId)).toEqual({
        agent: { ...agent, roles },
        secrets: [],
      });
      expect((await store.agents.byRegistrationToken(registration.digest))?.agent).toEqual({
        ...agent,
        roles,
      });
      const listed = await store.agents.search({ name: agent.name }, { limit: 5 });
      expect(listed.items).toEqual([{ ...agent, roles }]);
      expect(await store.users.byId(user.userId)).toEqual({ ...user, roles });
      expect(await store.users.byEmail(user.email)).toEqual({ ...user, roles, passwordHash: 'hash' });
    });

    test('belong to one kind of holder: an agent has none of a person of the same id', async () => {
      const role = await stored();
      const agent = await storedAgent();
      await assign(role, { kind: 'user', id: agent.clientId });
      expect(await store.agents.byId(agent.clientId)).toEqual(agent);
    });

    test('are assigned once, and held since then', async () => {
      const role = await stored();
      const agent = await storedAgent();
      const holder = { kind: 'agent', id: agent.clientId } as const;
      await assign(role, holder, T0 + 1);
      await expect(assign(role, holder, T0 + 2)).rejects.toBe(miss);
      expect((await store.roles.members(role.name, { limit: 5 })).items).toEqual([
        { ...holder, name: agent.name, assignedAt: T0 + 1 },
      ]);
    });

    test('are as many as a holder may have, however many are assigned at once', async () => {
      const agent = await storedAgent();
      const holder: RoleHolder = { kind: 'agent', id: agent.clientId };
      const roles = await Promise.all(Array.from({ length: 8 }, () => stored()));
      const assigned = await Promise.allSettled(roles.map((role) => assign(role, holder)));
      expect(assigned.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      const held = (await store.agents.byId(agent.clientId))?.roles.map(({ name }) => name) ?? [];
      expect(held).toHaveLength(3);
    });

    test('are taken back once', async () => {
      const role = await stored();
      const agent = await storedAgent();
      const holder = { kind: 'agent', id: agent.clientId } as const;
      await assign(role, holder);
      const back: Change = { do: 'unassign_role', role: role.name, holder, miss };
      await commit(back);
      expect(await store.agents.byId(agent.clientId)).toEqual(agent);
      await expect(commit(back)).rejects.toBe(miss);
    });

    test('change for everyone who holds them', async () => {
      const role = await stored();
      const agent = await storedAgent();
      await assign(role, { kind: 'agent', id: agent.clientId });
      await commit({ do: 'update_role', role: { ...role, permissions: ['a:b:*'] }, expect: role, miss });
      expect((await store.agents.byId(agent.clientId))?.roles).toEqual([
        { name: role.name, permissions: ['a:b:*'] },
      ]);
    });

    test('go from everyone with the role, and cannot be assigned any more', async () => {
      const role = await stored();
      const agent = await storedAgent();
      const holder = { kind: 'agent', id: agent.clientId } as const;
      await assign(role, holder);
      const gone: Change = { do: 'delete_role', name: role.name, miss };
      await commit(gone);
      expect(await store.agents.byId(agent.clientId)).toEqual(agent);
      await expect(commit(gone)).rejects.toBe(miss);
      await expect(assign(role, holder)).rejects.toBe(miss);
    });

    test('while the role is deleted: either way nobody holds what is gone', async () => {
      const rounds = Array.from({ length: 8 }, async () => {
        const role = await stored();
        const agent = await storedAgent();
        const [assigned, deleted] = await Promise.allSettled([
          assign(role, { kind: 'agent', id: agent.clientId }),
          createStore(open()).commit(aUnit([{ do: 'delete_role', name: role.name, miss }])),
        ]);
        expect(deleted.status).toBe('fulfilled');
        if (assigned.status === 'rejected') expect(assigned.reason).toBe(miss);
        expect(await store.agents.byId(agent.clientId)).toEqual(agent);
      });
      await Promise.all(rounds);
    });
  });

  test('list their members in the order in which they got them, without deleted agents', async () => {
    const role = await stored();
    const members = [await storedAgent('First'), await storedAgent('Second'), await storedAgent('Third')];
    const user = aUser();
    await commit({ do: 'insert_user', user, passwordHash: 'hash', miss });
    const holders: RoleHolder[] = members.map(({ clientId }) => ({ kind: 'agent', id: clientId }));
    holders.push({ kind: 'user', id: user.userId });
    for (const [i, holder] of holders.entries()) await assign(role, holder, T0 + i);
    const clientId = members[1]?.clientId ?? '';
    await commit({ do: 'update_agent', clientId, expectEpoch: 0, set: { deletedAt: T0 }, miss });
    const first = await store.roles.members(role.name, { limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(['First', 'Third']);
    const rest = await store.roles.members(role.name, { limit: 2, after: first.next ?? undefined });
    expect(rest).toEqual({
      items: [{ kind: 'user', id: user.userId, name: user.name, assignedAt: T0 + 3 }],
      next: null,
    });
    expect(await store.roles.members('nobody', { limit: 2 })).toEqual({ items: [], next: null });
  });
});

onEveryDatabase('what administrators add to the catalogue of permissions', (open) => {
  test('is held once each, and taken away once', async () => {
    const store = createStore(open());
    const entry = { permission: `crm:${anId()}:read`, description: 'Read notes', createdAt: T0 };
    const add = (most = 1000) => store.commit(aUnit([{ do: 'insert_permission', entry, most, miss }]));
    await add();
    await expect(add()).rejects.toBe(miss);
    const other = { ...entry, permission: `crm:${anId()}:write` };
    const { length } = await store.permissions.all();
    const full = store.commit(aUnit([{ do: 'insert_permission', entry: other, most: length, miss }]));
    await expect(full).rejects.toBe(miss);
    expect(await store.permissions.byName(entry.permission)).toEqual(entry);
    expect(await store.permissions.all()).toContainEqual(entry);
    const remove = () =>
      store.commit(aUnit([{ do: 'delete_permission', permission: entry.permission, miss }]));
    await remove();
    await expect(remove()).rejects.toBe(miss);
    expect(await store.permissions.byName(entry.permission)).toBeUndefined();
  });
});
