import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import { changeUserState } from '../../src/app/users/change-user-state.ts';
import { createUser } from '../../src/app/users/create-user.ts';
import { listUsers, viewUser } from '../../src/app/users/list-users.ts';
import { verifyCredentials } from '../../src/app/users/sign-in.ts';
import { updateUser } from '../../src/app/users/update-user.ts';
import { endedBy } from '../../src/domain/revocation.ts';
import type { User } from '../../src/domain/user.ts';
import { ADMIN_EMAIL, CALLER, createTestContext, type TestContext } from '../support/app-context.ts';

const PASSWORD = 'a long enough password';

let made: TestContext;
let context: AppContext;
let count = 0;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

function aPerson(over = {}): Promise<User> {
  count += 1;
  return createUser(context, {
    caller: CALLER,
    email: `person-${count}@example.com`,
    name: 'Ada Lovelace',
    password: PASSWORD,
    permissions: ['reports:read'],
    ...over,
  });
}

const signIn = (email: string, password = PASSWORD) =>
  verifyCredentials(context, { caller: CALLER, email, password });

/** Whether something that was authorised under that epoch has been ended by the ledger. */
async function isEnded({ userId, epoch }: User): Promise<boolean> {
  const dependency = { kind: 'user', handle: userId, epoch } as const;
  return endedBy([dependency], await context.store.ledger.among([dependency])) !== undefined;
}

describe('creating a person', () => {
  test('keeps the address in lower case, an id of its own kind and no password', async () => {
    const user = await aPerson({ email: '  Grace.Hopper@Example.COM ' });
    expect(user).toMatchObject({ email: 'grace.hopper@example.com', state: 'active', epoch: 0 });
    expect(user.userId).toMatch(/^usr_[A-Za-z0-9_-]{22}$/);
    expect(await viewUser(context, { caller: CALLER, userId: user.userId })).toEqual(user);
    const stored = await context.store.users.byEmail(user.email);
    expect(stored?.passwordHash).toMatch(/^\$argon2id\$/);
  });

  test('refuses an address that is taken, however it is written, also at the same moment', async () => {
    const { email } = await aPerson();
    await expect(aPerson({ email: email.toUpperCase() })).rejects.toMatchObject({ code: 'conflict' });
    const same = { email: 'twin@example.com' };
    const outcomes = await Promise.allSettled([aPerson(same), aPerson(same), aPerson(same)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test.each([
    ['', 'no address'],
    ['nobody', 'no @'],
    ['two@at@example.com', 'two @'],
    ['a b@example.com', 'a space'],
    ['<a@example.com>', 'brackets'],
    ['a@-example.com', 'a host that begins with a hyphen'],
    [`${'a'.repeat(65)}@example.com`, 'a local part beyond 64 characters'],
    ['a@example.com\nbcc:b@example.com', 'a second line'],
  ])('refuses %j as an address: %s', async (email) => {
    await expect(aPerson({ email })).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test.each(['eleven char', 'x'.repeat(257)])('refuses a password of the wrong length', async (password) => {
    await expect(aPerson({ password })).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('counts characters of a password, not bytes', async () => {
    await expect(aPerson({ password: '🔑'.repeat(12) })).resolves.toBeDefined();
    await expect(aPerson({ password: '🔑'.repeat(11) })).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('lists them newest first', async () => {
    made.clock.advance(1);
    const user = await aPerson();
    const listed = await listUsers(context, { caller: CALLER, page: { limit: 1 } });
    expect(listed.items).toEqual([user]);
    expect(listed.next).not.toBeNull();
  });
});

describe('signing in', () => {
  test('answers the person and is recorded', async () => {
    const user = await aPerson();
    expect(await signIn(user.email.toUpperCase())).toEqual({ user });
    const events = await context.store.audit.search(
      { type: 'user_signed_in', userId: user.userId },
      { limit: 1 },
    );
    expect(events.items[0]).toMatchObject({ userId: user.userId, actor: user.userId, sourceIp: '192.0.2.7' });
  });

  test('failures are recorded without what was typed', async () => {
    const user = await aPerson();
    expect(await signIn(user.email, 'not the password')).toEqual({
      user: undefined,
      refusal: 'wrong_password',
    });
    expect(await signIn('my-password-by-mistake@example.com')).toMatchObject({ refusal: 'unknown_user' });
    const events = await context.store.audit.search({ type: 'user_sign_in_failed' }, { limit: 50 });
    expect(events.items.map(({ outcome, reason }) => [outcome, reason])).toEqual(
      expect.arrayContaining([
        ['refused', 'wrong_password'],
        ['refused', 'unknown_user'],
      ]),
    );
    expect(JSON.stringify(events)).not.toMatch(/not the password|by-mistake/);
  });

  test('costs one password hash, whether the address is known or not', async () => {
    const { email } = await aPerson();
    const hashes: (string | null)[] = [];
    const counting: AppContext = {
      ...context,
      passwords: {
        hash: context.passwords.hash,
        verify(password, hash) {
          hashes.push(hash);
          return context.passwords.verify(password, hash);
        },
      },
    };
    for (const address of [email, 'nobody@example.com', 'not an address']) {
      await verifyCredentials(counting, { caller: CALLER, email: address, password: 'wrong password' });
    }
    expect(hashes).toEqual([expect.stringMatching(/^\$argon2id/), null, null]);
  });

  test('is refused for a disabled person with the right password', async () => {
    const user = await aPerson();
    await changeUserState(context, { caller: CALLER, userId: user.userId, to: 'disabled', reason: null });
    expect(await signIn(user.email)).toEqual({ user: undefined, refusal: 'disabled' });
  });

  test('a failure is answered even when it cannot be stored; nobody gets in unrecorded', async () => {
    const { email } = await aPerson();
    const broken: AppContext = {
      ...context,
      store: { ...context.store, commit: () => Promise.reject(new Error('disk full')) },
    };
    const wrong = { caller: CALLER, email, password: 'wrong password' };
    expect(await verifyCredentials(broken, wrong)).toMatchObject({ refusal: 'wrong_password' });
    await expect(verifyCredentials(broken, { ...wrong, password: PASSWORD })).rejects.toThrow('disk full');
  });
});

describe('changing a person', () => {
  test('name and permissions leave what was approved alone', async () => {
    const user = await aPerson();
    const edits = { name: 'Countess', permissions: ['reports:*'] };
    const updated = await updateUser(context, { caller: CALLER, userId: user.userId, edits });
    expect(updated).toEqual({ ...user, ...edits });
    expect(await isEnded(user)).toBe(false);
  });

  test('a new password ends what was approved under the old one', async () => {
    const user = await aPerson();
    const password = 'another long password';
    const updated = await updateUser(context, { caller: CALLER, userId: user.userId, edits: { password } });
    expect(updated.epoch).toBe(1);
    expect(await isEnded(user)).toBe(true);
    expect(await signIn(user.email)).toMatchObject({ refusal: 'wrong_password' });
    expect(await signIn(user.email, password)).toEqual({ user: updated });
    const events = await context.store.audit.search(
      { type: 'user_updated', userId: user.userId },
      { limit: 1 },
    );
    expect(events.items[0]?.details).toMatchObject({ password_changed: true });
    expect(JSON.stringify(events)).not.toMatch(/another long password|argon2/);
  });

  test.each([
    ['disabled', 'disabled'],
    ['signed_out', 'active'],
  ] as const)('%s ends what was approved', async (to, state) => {
    const user = await aPerson();
    const changed = await changeUserState(context, {
      caller: CALLER,
      userId: user.userId,
      to,
      reason: 'left',
    });
    expect(changed).toMatchObject({ state, epoch: 1 });
    expect(await isEnded(user)).toBe(true);
    expect(await isEnded(changed)).toBe(false);
  });

  test('enabling revives nothing', async () => {
    const user = await aPerson();
    const { userId } = user;
    await changeUserState(context, { caller: CALLER, userId, to: 'disabled', reason: null });
    const enabled = await changeUserState(context, { caller: CALLER, userId, to: 'active', reason: null });
    expect(enabled).toMatchObject({ state: 'active', epoch: 1 });
    expect(await isEnded(user)).toBe(true);
    await expect(
      changeUserState(context, { caller: CALLER, userId, to: 'active', reason: null }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('nobody unknown', async () => {
    const unknown = { caller: CALLER, userId: 'usr_nobody' };
    await expect(viewUser(context, unknown)).rejects.toMatchObject({ code: 'not_found' });
    await expect(updateUser(context, { ...unknown, edits: {} })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('the first administrator may administer', async () => {
    expect((await context.store.users.byEmail(ADMIN_EMAIL))?.permissions).toContain('admin:*');
  });
});
