import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createUser } from '../../src/app/users/create-user.ts';
import { findUser } from '../../src/app/users/find-user.ts';
import { editUser, updateUser } from '../../src/app/users/update-user.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';

let made: TestContext;
beforeAll(async () => {
  made = await createTestContext();
});
afterAll(() => made.close());

test('edits of a person who was changed since being read are refused, and take nothing away', async () => {
  const { context } = made;
  const person = { email: 'ada@example.com', name: 'Ada Example', password: 'a password of some length' };
  const user = await createUser(context, { caller: CALLER, ...person, permissions: ['reports:read'] });
  const { userId } = user;
  const others = ['reports:read', 'example:read'];
  await updateUser(context, { caller: CALLER, userId, edits: { permissions: others } });
  const edits = { permissions: [...user.permissions, 'reports:write'] };
  const editing = editUser(context, { caller: CALLER, user, edits });
  await expect(editing).rejects.toMatchObject({ code: 'conflict' });
  expect((await findUser(context, userId)).permissions).toEqual(others);
});
