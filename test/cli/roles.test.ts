import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorkplace } from './run-cli.ts';

const place = createWorkplace();
afterAll(() => place.remove());

describe('role', () => {
  let clientId: string;
  beforeAll(async () => {
    const { agent } = await place.json(
      'agent',
      'register',
      '--name',
      'Reader',
      '--permission',
      'example:read',
    );
    clientId = String((agent as Record<string, unknown>)['client_id']);
    await place.run('user', 'create', 'ada@example.com');
  });

  test('is created, shown, listed and changed', async () => {
    expect((await place.run('role', 'list')).stdout).toMatch(/^name +permissions +description$/m);
    const create = ['role', 'create', 'support', '--permission', 'zendesk:tickets:* slack:messages:write'];
    const made = { name: 'support', permissions: ['zendesk:tickets:*', 'slack:messages:write'] };
    expect(await place.json(...create, '--description', 'Answers customers')).toMatchObject(made);
    expect(await place.run(...create)).toMatchObject({ code: 1, stderr: expect.stringMatching(/conflict/) });
    expect(await place.json('role', 'show', 'support')).toMatchObject(made);
    expect(await place.json('role', 'list')).toMatchObject({ roles: [made], next_cursor: null });
    const update = ['role', 'update', 'support'];
    expect(
      await place.json(...update, '--add', 'reports:read', '--remove', 'slack:messages:write'),
    ).toMatchObject({
      permissions: ['zendesk:tickets:*', 'reports:read'],
      description: 'Answers customers',
    });
    expect(await place.run(...update, '--remove', 'files:read')).toMatchObject({ code: 4 });
    expect(await place.run(...update, '--add', '*:tickets:read')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('wildcard before a name'),
    });
    expect(await place.run('role', 'show', 'nobody')).toMatchObject({ code: 4 });
  });

  test('is given to an agent and a person, and taken from them', async () => {
    const assign = (...args: string[]) => place.run('role', 'assign', 'support', ...args);
    expect((await assign('--agent', clientId)).stdout).toBe('support is assigned: Reader\n');
    expect((await assign('--user', 'ada@example.com')).stdout).toBe('support is assigned: ada@example.com\n');
    expect(await place.json('role', 'members', 'support')).toMatchObject({
      members: [
        { kind: 'agent', id: clientId, name: 'Reader' },
        { kind: 'user', name: 'ada@example.com' },
      ],
    });
    expect(await place.json('agent', 'show', clientId)).toMatchObject({
      permissions: ['example:read'],
      roles: ['support'],
      effective_permissions: ['example:read', 'zendesk:tickets:*', 'reports:read'],
      default_scope: ['example:read', 'reports:read'],
    });
    const unassign = ['role', 'unassign', 'support', '--agent', clientId];
    expect((await place.run(...unassign)).stdout).toBe('support is unassigned: Reader\n');
    expect(await place.run(...unassign)).toMatchObject({ code: 4 });
    expect(await assign()).toMatchObject({ code: 2 });
    expect(await assign('--agent', clientId, '--user', 'ada@example.com')).toMatchObject({ code: 2 });
    expect(await assign('--agent', 'agt_nobody')).toMatchObject({ code: 4 });
  });

  test('goes from everyone when it is deleted', async () => {
    const deleted = await place.run('role', 'delete', 'support', '--reason', 'a test');
    expect(deleted.stdout).toBe('support is deleted\n');
    expect(await place.json('user', 'list')).toMatchObject({ users: [{ roles: [] }] });
    expect(await place.json('audit', 'search', '--type', 'role_deleted')).toMatchObject({
      logs: [{ actor: 'cli', reason: 'a test', details: { role: 'support' } }],
    });
  });
});

test('permission: the catalogue is listed, added to, and taken from', async () => {
  const names = async () => {
    const { permissions } = await place.json('permission', 'list');
    return (permissions as { permission: string }[]).map(({ permission }) => permission);
  };
  expect(await names()).toEqual(expect.arrayContaining(['zendesk:tickets:read', 'read_weather']));
  const added = await place.run('permission', 'add', 'crm:notes:read', 'Read the notes on a customer');
  expect(added.stdout).toBe('crm:notes:read is in the catalogue\n');
  expect(await names()).toContain('crm:notes:read');
  expect((await place.run('permission', 'list')).stdout).toMatch(/^crm:notes:read +Read the notes/m);
  expect(await place.run('permission', 'add', 'crm::read', 'x')).toMatchObject({ code: 2 });
  const removed = ['permission', 'remove', 'crm:notes:read'];
  expect((await place.run(...removed)).stdout).toBe('crm:notes:read is no longer in the catalogue\n');
  expect(await place.run(...removed)).toMatchObject({ code: 4 });
});
