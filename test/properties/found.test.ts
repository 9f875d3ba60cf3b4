import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import { type RedeemCommand, redeemAuthorization } from '../../src/app/issuance/redeem-authorization.ts';
import { refreshTask } from '../../src/app/issuance/refresh-task.ts';
import { requestTaskToken } from '../../src/app/issuance/request-task-token.ts';
import { revokeToken } from '../../src/app/tokens/revoke-token.ts';
import { registerResourceServer } from '../../src/app/resource-servers/register-resource-server.ts';
import { updateAgent } from '../../src/app/agents/update-agent.ts';
import type { Agent } from '../../src/domain/agent.ts';
import type { User } from '../../src/domain/user.ts';
import { CALLER, createTestContext, DEFAULT_AUDIENCE, type TestContext } from '../support/app-context.ts';
import { aUser } from '../support/fixtures.ts';
import { commandOf, deriveBelow, handOffTo, newAgent, resolved, SECRET } from './rivals.ts';

/** What random operations found, each told as the shortest story that shows it. */
let system: TestContext;
let context: AppContext;
let agent: Agent;
let delegate: Agent;
let user: User;

beforeAll(async () => {
  system = await createTestContext();
  context = system.context;
  agent = await newAgent(context, { resources: ['q1', 'q2'] });
  delegate = await newAgent(context, { resources: ['q1', 'q2'] });
  user = aUser();
  const miss = new Error('the id is taken') as never;
  await context.store.commit({
    id: context.ids.next(),
    guards: [],
    changes: [{ do: 'insert_user', user, passwordHash: '-', miss }],
    events: [],
  });
});
afterAll(() => system.close());

const answer = () => context.digests.sha256(SECRET);
const open = (request = {}) =>
  openTask(context, commandOf(context, agent, { codeChallenge: answer(), ...request }));

function redeemCode(by: Agent, over: Partial<RedeemCommand> = {}): Promise<Issued> {
  return redeemAuthorization(context, {
    ...commandOf(context, by, { delegates: [delegate.clientId] }),
    grant: context.ids.next(),
    user,
    userEpoch: user.epoch,
    agentEpoch: by.epoch,
    consented: {
      scope: ['reports:read'],
      audiences: [DEFAULT_AUDIENCE],
      tools: ['search'],
      resources: ['q1'],
    },
    parentTokenId: null,
    codeChallenge: answer(),
    consume: [],
    ...over,
  });
}

describe('refreshing', () => {
  test('took any resource: now it stays within the family', async () => {
    const root = await open({ resources: ['q1'] });
    const command = { ...commandOf(context, agent, { answer: answer(), resources: ['q2'] }) };
    const widened = refreshTask(context, { ...command, refreshToken: root.refresh?.value ?? '' });
    await expect(widened).rejects.toMatchObject({ code: 'details_not_subset' });
  });

  test('refused what the token and the ceiling cover by different wildcards: now either is asked', async () => {
    const audience = 'https://anything.example.com/';
    const server = { caller: CALLER, name: 'Anything', audiences: [audience], tokenFormat: 'jwt' } as const;
    await registerResourceServer(context, { ...server, scopes: null });
    const reader = await newAgent(context, { permissions: ['*:read'] });
    const asking = (by: Agent, scope: readonly string[], request = {}) => ({
      ...commandOf(context, by, { scope, ...request }),
      resources: [audience],
    });
    const root = await openTask(context, asking(reader, ['*:read'], { codeChallenge: answer() }));
    const edits = { permissions: ['reports:*'] };
    const turned = await updateAgent(context, { caller: CALLER, clientId: reader.clientId, edits });
    const refreshing = (scope: readonly string[]) =>
      refreshTask(context, {
        ...asking(turned, scope, { answer: answer() }),
        refreshToken: root.refresh?.value ?? '',
      });
    await expect(refreshing(['example:read'])).rejects.toMatchObject({ code: 'scope_exceeds_ceiling' });
    await expect(refreshing(['reports:write'])).rejects.toMatchObject({ code: 'scope_not_subset' });
    expect((await refreshing(['reports:read'])).access.token.scope).toEqual(['reports:read']);
  });
});

describe('a task of a person', () => {
  test('got further tokens by its task_id when a child was derived by client_credentials: now none', async () => {
    const root = await redeemCode(agent);
    const request = { codeChallenge: 'of-the-delegate', taskId: 'below-a-person' };
    const child = await requestTaskToken(context, {
      ...commandOf(context, delegate, request),
      parentToken: root.access.value,
    });
    expect(child.task).toMatchObject({ origin: 'client_credentials', subject: user.userId });
    const again = requestTaskToken(context, {
      ...commandOf(context, delegate, { taskId: 'below-a-person', answer: 'of-the-delegate' }),
      parentToken: undefined,
    });
    await expect(again).rejects.toMatchObject({ code: 'task_id_taken' });
  });
});

describe('an authorization below a task of the same person', () => {
  const consented = { audiences: [DEFAULT_AUDIENCE], tools: [], resources: [] };
  const below = (parent: Issued, scope: readonly string[]) =>
    redeemCode(agent, {
      ...commandOf(context, agent),
      consented: { ...consented, scope },
      parentTokenId: parent.access.token.tokenId,
      grant: context.ids.next(),
    });

  test('could not be redeemed when the person let the agent know who it is: now identity is no right of agents', async () => {
    const scope = ['openid', 'reports:read'];
    const root = await redeemCode(agent, { consented: { ...consented, scope } });
    expect((await below(root, scope)).access.token.scope).toEqual(scope);
  });

  test('tells no more of the person than the task above it does', async () => {
    const root = await redeemCode(agent);
    await expect(below(root, ['openid', 'reports:read'])).rejects.toMatchObject({ code: 'scope_not_subset' });
  });
});

describe('a hand-off token', () => {
  test('outlived the revocation of the token that was handed off: now it ends with it', async () => {
    const root = await open({ delegates: [delegate.clientId] });
    const voucher = await handOffTo(context, agent, root, delegate);
    const target = await resolved(context, root);
    await revokeToken(context, { caller: CALLER, target, reason: null, revokeChildren: true });
    expect((await resolved(context, voucher)).liveness).toBe('revoked');
  });

  test('carried rights that its maker had lost: now they are not handed on', async () => {
    const poorer = await newAgent(context);
    const codeChallenge = answer();
    const scope = ['reports:read', 'reports:write'];
    const request = { codeChallenge, scope, delegates: [delegate.clientId] };
    const root = await openTask(context, commandOf(context, poorer, request));
    const edits = { permissions: ['reports:read'] };
    const cut = await updateAgent(context, { caller: CALLER, clientId: poorer.clientId, edits });
    const asking = (asked: readonly string[]) =>
      handOffTo(context, cut, root, delegate, { answer: answer(), scope: asked });
    await expect(asking(['reports:write'])).rejects.toMatchObject({ code: 'scope_exceeds_ceiling' });
    expect((await asking(['reports:read'])).access.token.scope).toEqual(['reports:read']);
  });

  test('led to any number of authorizations below it: now an authorization uses it up', async () => {
    const root = await redeemCode(agent);
    const voucher = await handOffTo(context, agent, root, delegate);
    const parentTokenId = voucher.access.token.tokenId;
    const below = () =>
      redeemCode(delegate, { ...commandOf(context, delegate), parentTokenId, grant: context.ids.next() });
    const child = await below();
    // The child hangs on the token that was handed off, so revoking that one ends it.
    expect(child.task.lineage.at(-1)?.via).toBe(root.access.token.tokenId);
    await expect(below()).rejects.toMatchObject({ code: 'parent_revoked' });
    const target = await resolved(context, voucher);
    await revokeToken(context, { caller: CALLER, target, reason: null, revokeChildren: true });
    expect((await resolved(context, child)).liveness).toBe('revoked');
  });

  test('is the grant of what is derived with it, so that a parallel revocation reaches the child', async () => {
    const root = await open({ delegates: [delegate.clientId] });
    const voucher = await handOffTo(context, agent, root, delegate);
    // Read before the redemption, as a revocation does that arrives at the same moment.
    const target = await resolved(context, voucher);
    const child = await deriveBelow(context, delegate, voucher, { codeChallenge: 'of-the-delegate' });
    expect((await resolved(context, child)).liveness).toBe('live');
    await revokeToken(context, { caller: CALLER, target, reason: null, revokeChildren: true });
    expect((await resolved(context, child)).liveness).toBe('revoked');
    expect((await resolved(context, root)).liveness).toBe('live');
  });
});
