import { changeAgentState } from '../../../src/app/agents/change-agent-state.ts';
import { changeUserState } from '../../../src/app/users/change-user-state.ts';
import { deriveTask } from '../../../src/app/issuance/derive-task.ts';
import { endTask } from '../../../src/app/tasks/end-task.ts';
import { finishTask } from '../../../src/app/tasks/finish-task.ts';
import { handOff } from '../../../src/app/issuance/hand-off.ts';
import type { Issued, TokenCommand } from '../../../src/app/issuance/issuance.ts';
import { redeemAuthorization } from '../../../src/app/issuance/redeem-authorization.ts';
import { refreshTask } from '../../../src/app/issuance/refresh-task.ts';
import { requestTaskToken } from '../../../src/app/issuance/request-task-token.ts';
import { type Liveness, resolveToken } from '../../../src/app/tokens/resolve-token.ts';
import { revokeGrant } from '../../../src/app/tokens/revoke-grant.ts';
import { revokeToken } from '../../../src/app/tokens/revoke-token.ts';
import { requireVisibleTask } from '../../../src/app/tasks/task-access.ts';
import { mayRevoke } from '../../../src/app/tokens/token-visibility.ts';
import { updateAgent } from '../../../src/app/agents/update-agent.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import { CALLER } from '../../support/app-context.ts';
import { expectSame } from '../compare.ts';
import type { Door, Outcome } from '../door.ts';
import type { Fate, ModelAgent } from '../model/nouns.ts';
import type { Ask } from '../model/rules.ts';
import { grantedOf, requestOf } from './granted.ts';
import { AUDIENCES, DEFAULT, LIMITS, openWorld, type Place } from './world.ts';

/** Straight through the use cases, with a clock that stands still and every unit of work watched. */
export async function useCaseDoor(place: Place = {}): Promise<Door> {
  const world = await openWorld(place);
  const { context, clock, watch } = world;
  const command = async (by: ModelAgent, ask: Ask): Promise<TokenCommand> => {
    const agent = await context.store.agents.byId(by.id);
    if (!agent) throw new Error(`${by.name} is not stored`);
    return {
      caller: { actor: by.id, origin: CALLER.origin },
      agent,
      publicClient: false,
      request: requestOf(ask, context.digests.sha256),
      resources: ask.audiences ?? [],
      detailed: false,
      refreshAllowed: by.refreshes,
    };
  };
  const outcome = async (run: () => Promise<Issued>): Promise<Outcome> => {
    watch.begin();
    try {
      return { granted: grantedOf(await run()) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { refused: error.code };
    }
  };
  const admin = { actor: 'admin', origin: CALLER.origin };
  return {
    limits: LIMITS,
    audiences: AUDIENCES,
    defaultAudience: DEFAULT,
    tolerance: 0,
    keys: true,
    refreshTakesDetails: true,
    now: clock.now,
    wait: clock.advance,
    hire: world.hire,
    enrol: world.enrol,
    request: (by, ask, parent) =>
      outcome(async () =>
        requestTaskToken(context, { ...(await command(by, ask)), parentToken: parent?.value }),
      ),
    exchange: (by, ask, parent) =>
      outcome(async () =>
        deriveTask(context, {
          ...(await command(by, ask)),
          parentToken: parent.value,
          origin: 'token_exchange',
        }),
      ),
    handOff: (by, ask, parent, delegateTo) =>
      outcome(async () =>
        handOff(context, { ...(await command(by, ask)), parentToken: parent.value, delegateTo }),
      ),
    refresh: (by, ask, token) =>
      outcome(async () => refreshTask(context, { ...(await command(by, ask)), refreshToken: token.value })),
    authorize: (consent, ask) =>
      outcome(async () => {
        const user = await context.store.users.byId(consent.user.id);
        if (!user) throw new Error('the person is not stored');
        const { scope, audiences, tools, resources } = consent;
        return redeemAuthorization(context, {
          ...(await command(consent.agent, ask)),
          grant: context.ids.next(),
          user,
          userEpoch: consent.userEpoch,
          agentEpoch: consent.agentEpoch,
          consented: { scope, audiences, tools, resources },
          parentTokenId: consent.parent?.id ?? null,
          codeChallenge: context.digests.sha256(consent.secret),
          consume: [],
        });
      }),
    async revoke(by, token, revokeChildren) {
      watch.begin();
      const { agent, caller } = await command(by, {});
      const target = await resolveToken(context, token.value);
      if (!target || agent.state !== 'active' || !(await mayRevoke(context, agent, target))) return false;
      await revokeToken(context, { caller, target, reason: null, revokeChildren });
      return true;
    },
    async end(bearer, taskId, as, { verifier, key }) {
      watch.begin();
      try {
        const found = await resolveToken(context, bearer.value);
        if (found?.liveness !== 'live') return 'bearer';
        const visitor = { bearer: found, administrator: false };
        const caller = { actor: found.token.clientId, origin: CALLER.origin };
        if (as === 'revoked') {
          await endTask(context, {
            caller,
            task: await requireVisibleTask(context, visitor, taskId),
            as,
            reason: null,
          });
        } else {
          const proof = { codeVerifier: verifier, keyThumbprint: key };
          await finishTask(context, { caller, visitor, taskId, as, reason: null, ...proof });
        }
        return undefined;
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return error.code;
      }
    },
    async withdraw(grant) {
      watch.begin();
      await revokeGrant(context, { caller: admin, grant, reason: 'withdrawn', type: 'consent_revoked' });
    },
    async changeAgent({ id }, to) {
      watch.begin();
      await changeAgentState(context, { caller: admin, clientId: id, to, reason: null });
    },
    async cutRights({ id, permissions, defaultScope }) {
      watch.begin();
      await updateAgent(context, { caller: admin, clientId: id, edits: { permissions, defaultScope } });
    },
    async changeUser(userId, to) {
      watch.begin();
      await changeUserState(context, { caller: admin, userId, to, reason: null });
    },
    async fateOf(token) {
      const found = await resolveToken(context, token.value);
      expectSame(found?.token.kind, token.kind);
      return found ? FATES[found.liveness] : 'dead';
    },
    told: watch.told,
    inspect: async () => {
      await watch.expectNothingElse();
      await world.inspect();
    },
    close: world.close,
  };
}

const FATES: Record<Liveness, Fate> = {
  live: 'live',
  expired: 'expired',
  revoked: 'ended',
  task_ended: 'ended',
  consumed: 'used',
};
