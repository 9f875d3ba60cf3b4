import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRole } from '../../src/app/roles/create-role.ts';
import { findRole } from '../../src/app/roles/find-role.ts';
import { editRole, updateRole } from '../../src/app/roles/update-role.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';

let made: TestContext;
beforeAll(async () => {
  made = await createTestContext();
});
afterAll(() => made.close());

test('edits of a role that was changed since it was read are refused, and take nothing away', async () => {
  const { context } = made;
  const name = 'support';
  const role = { name, description: 'Answers customers', permissions: ['reports:read'] };
  await createRole(context, { caller: CALLER, ...role });
  const before = await findRole(context, name);
  const others = ['reports:read', 'example:read'];
  await updateRole(context, { caller: CALLER, name, edits: { permissions: others } });
  const edits = { permissions: [...before.permissions, 'reports:write'] };
  const editing = editRole(context, { caller: CALLER, before, edits });
  await expect(editing).rejects.toMatchObject({ code: 'conflict' });
  expect((await findRole(context, name)).permissions).toEqual(others);
});
