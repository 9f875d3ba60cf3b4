import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import { redeemAuthorization } from '../../src/app/issuance/redeem-authorization.ts';
import { refreshTask } from '../../src/app/issuance/refresh-task.ts';
import { resolveToken } from '../../src/app/tokens/resolve-token.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Dependency } from '../../src/domain/revocation.ts';
import { createTestContext, DEFAULT_AUDIENCE, type TestContext } from '../support/app-context.ts';
import { aUser } from '../support/fixtures.ts';
import { commandOf, deriveBelow, handOffTo, newAgent, SECRET } from './rivals.ts';

/** S24: what ends a token ends what is made from it at the same moment, because the commit rests on all of it. */
let system: TestContext;
let context: AppContext;
let units: UnitOfWork[];
let agent: Agent;
let delegate: Agent;
let root: Issued;

beforeAll(async () => {
  system = await createTestContext();
  units = [];
  const commit: AppContext['store']['commit'] = (unit) => {
    units.push(unit);
    return system.context.store.commit(unit);
  };
  context = { ...system.context, store: { ...system.context.store, commit } };
  agent = await newAgent(context);
  delegate = await newAgent(context);
  const request = { codeChallenge: context.digests.sha256(SECRET), delegates: [delegate.clientId] };
  root = await openTask(context, commandOf(context, agent, request));
});
afterAll(() => system.close());

const named = ({ kind, handle, epoch }: Dependency) => `${kind} ${handle} ${epoch}`;

/** What the last commit rested on, and what the token depends on that it was made from. */
async function restedOn(source: string): Promise<{ guarded: Set<string>; needed: string[] }> {
  const guards = units.at(-1)?.guards ?? [];
  const found = await resolveToken(context, source);
  return {
    guarded: new Set(guards.flatMap(({ live }) => live.dependencies).map(named)),
    needed: (found?.dependencies ?? []).map(named),
  };
}

async function expectAllGuarded(source: string, atLeast: number): Promise<void> {
  const { guarded, needed } = await restedOn(source);
  expect(needed.length).toBeGreaterThanOrEqual(atLeast);
  expect(needed.filter((one) => !guarded.has(one))).toEqual([]);
}

describe('the commit of a token rests on all that its source stands on', () => {
  test('of a child, and of a grandchild', async () => {
    const child = await deriveBelow(context, agent, root);
    await expectAllGuarded(root.access.value, 5);
    await deriveBelow(context, agent, child);
    await expectAllGuarded(child.access.value, 8);
  });

  test('of a hand-off token, and of what is derived with it', async () => {
    const child = await deriveBelow(context, agent, root, {
      answer: context.digests.sha256(SECRET),
      delegates: [delegate.clientId],
    });
    const voucher = await handOffTo(context, agent, child, delegate);
    await expectAllGuarded(child.access.value, 8);
    await deriveBelow(context, delegate, voucher, { codeChallenge: 'of-the-delegate' });
    await expectAllGuarded(voucher.access.value, 9);
  });

  test('of what a person authorizes below it, with a token and with a hand-off token', async () => {
    const user = aUser();
    const miss = new DomainError('conflict', 'the id is taken');
    const change = { do: 'insert_user', user, passwordHash: '-', miss } as const;
    await context.store.commit({ id: context.ids.next(), guards: [], changes: [change], events: [] });
    const redeem = (by: Agent, parentTokenId: string | null) =>
      redeemAuthorization(context, {
        ...commandOf(context, by, { delegates: [delegate.clientId] }),
        grant: context.ids.next(),
        user,
        userEpoch: user.epoch,
        agentEpoch: by.epoch,
        consented: { scope: ['reports:read'], audiences: [DEFAULT_AUDIENCE], tools: [], resources: [] },
        parentTokenId,
        codeChallenge: context.digests.sha256(SECRET),
        consume: [],
      });
    const top = await redeem(agent, null);
    const below = await redeem(agent, top.access.token.tokenId);
    await expectAllGuarded(top.access.value, 5);
    const voucher = await handOffTo(context, agent, below, delegate);
    await redeem(delegate, voucher.access.token.tokenId);
    await expectAllGuarded(voucher.access.value, 9);
  });

  test('of a refreshed token', async () => {
    const child = await deriveBelow(context, agent, root);
    const refreshToken = child.refresh?.value ?? '';
    const answer = context.digests.sha256(SECRET);
    await refreshTask(context, { ...commandOf(context, agent, { answer }), refreshToken });
    await expectAllGuarded(refreshToken, 8);
  });
});
