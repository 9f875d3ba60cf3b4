import { revokeGrant } from '../../../src/app/tokens/revoke-grant.ts';
import { redeemAuthorization } from '../../../src/app/issuance/redeem-authorization.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import { CALLER } from '../../support/app-context.ts';
import {
  type AgentParty,
  administer,
  createPerson,
  registerAgent,
  registerResourceServer,
} from '../../support/parties.ts';
import { type Answer, bearer, postJson } from '../../support/requests.ts';
import { startServer } from '../../support/server.ts';
import { ACCESS_TOKEN, ADMIN, introspect, revoke, TOKEN_EXCHANGE } from '../../support/token-requests.ts';
import type { Door, Granted, Outcome } from '../door.ts';
import type { ModelAgent } from '../model/nouns.ts';
import type { Ask } from '../model/rules.ts';
import { countEvents } from './audit-counts.ts';
import { grantedOf, requestOf } from './granted.ts';
import { inspectStore } from './inspection.ts';
import { LIMITS } from './world.ts';

const GRANTS = ['client_credentials', TOKEN_EXCHANGE];
const ENDINGS = { completed: 'complete', failed: 'fail', revoked: 'revoke' } as const;

/** Through a listening server, as agents and administrators use it. A code is redeemed behind its sign-in pages. */
export async function httpDoor(): Promise<Door> {
  const server = await startServer({ env: { RATE_LIMITS: 'off' }, settings: SETTINGS });
  const any = await registerResourceServer(server);
  const few = await registerResourceServer(server, { scopes: ['mail:*', 'reports:read'] });
  const { context } = server.taskgrant;
  const { sha256 } = context.digests;
  const parties = new Map<string, AgentParty>();
  const people = new Set<string>();
  const ask = (by: ModelAgent, parameters: object) =>
    postJson(server, '/api/oauth/token', parameters, parties.get(by.id)?.headers);
  return {
    limits: LIMITS,
    audiences: new Map([
      [server.defaultAudience, null],
      [any.audience, null],
      [few.audience, ['mail:*', 'reports:read']],
    ]),
    defaultAudience: server.defaultAudience,
    tolerance: 3000,
    keys: false,
    refreshTakesDetails: false,
    now: server.clock.now,
    wait: server.clock.advance,
    async hire(spec) {
      const party = await registerAgent(server, {
        agent_name: spec.name,
        permissions: spec.permissions,
        allowed_tools: spec.tools,
        allowed_resources: spec.resources,
        grant_types: spec.refreshes ? [...GRANTS, 'refresh_token'] : GRANTS,
        limits: {
          default_scope: spec.defaultScope,
          max_depth: spec.maxDepth,
          max_children: spec.maxChildren,
          max_task_seconds: spec.maxTaskSeconds,
          challenge_waived: spec.waived,
        },
      });
      parties.set(party.clientId, party);
      return party.clientId;
    },
    async enrol() {
      const { userId } = await createPerson(server, { permissions: ['reports:*', 'mail:*', '*:list'] });
      people.add(userId);
      return userId;
    },
    request: async (by, wish, parent) =>
      outcome(
        server.clock.now,
        await ask(by, {
          grant_type: 'client_credentials',
          ...parametersOf(wish, sha256),
          parent_token: parent?.value,
        }),
      ),
    exchange: async (by, wish, parent) =>
      outcome(
        server.clock.now,
        await ask(by, { ...exchangeOf(parent.value), ...parametersOf(wish, sha256) }),
      ),
    handOff: async (by, wish, parent, to) => {
      const parameters = { ...exchangeOf(parent.value), ...parametersOf(wish, sha256), delegate_to: to };
      return outcome(server.clock.now, await ask(by, parameters));
    },
    refresh: async (by, { scope, audiences, verifier }, { value }) => {
      const own = parametersOf({ scope, audiences, verifier }, sha256);
      return outcome(
        server.clock.now,
        await ask(by, { grant_type: 'refresh_token', refresh_token: value, ...own }),
      );
    },
    async authorize(consent, wish) {
      const agent = await context.store.agents.byId(consent.agent.id);
      const user = await context.store.users.byId(consent.user.id);
      if (!agent || !user) throw new Error('the parties of a consent are not stored');
      const { scope, audiences, tools, resources, secret, userEpoch, agentEpoch } = consent;
      try {
        const issued = await redeemAuthorization(context, {
          caller: { actor: agent.clientId, origin: CALLER.origin },
          agent,
          publicClient: false,
          request: requestOf(wish, sha256),
          resources: [],
          detailed: false,
          refreshAllowed: consent.agent.refreshes,
          grant: context.ids.next(),
          user,
          userEpoch,
          agentEpoch,
          consented: { scope, audiences, tools, resources },
          parentTokenId: consent.parent?.id ?? null,
          codeChallenge: sha256(secret),
          consume: [],
        });
        return { granted: grantedOf(issued) };
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return { refused: error.code };
      }
    },
    async revoke(by, { value }, withChildren) {
      const party = parties.get(by.id);
      if (!party) throw new Error(`${by.name} is not registered`);
      const { body } = await revoke(server, party, value, withChildren ? {} : { revoke_children: 'false' });
      return body.revoked === true;
    },
    async end(token, taskId, as, { verifier }) {
      const path = `/api/tasks/${taskId}/${ENDINGS[as]}`;
      const { status, body } = await postJson(server, path, { code_verifier: verifier }, bearer(token.value));
      if (status >= 500) throw new Error(`${path}: ${status}`);
      return status === 200 ? undefined : String(body.code);
    },
    async withdraw(grant) {
      const [userId = ''] = people;
      const caller = { actor: userId, origin: CALLER.origin };
      await revokeGrant(context, { caller, grant, userId, reason: 'withdrawn', type: 'consent_revoked' });
    },
    async changeAgent({ id }, to) {
      const path = `/api/agents/${id}`;
      if (to === 'deleted') await administer(server, 'DELETE', path);
      else await administer(server, 'POST', `${path}/${to === 'active' ? 'reactivate' : 'suspend'}`, {});
    },
    async cutRights({ id, permissions, defaultScope }) {
      await administer(server, 'PUT', `/api/agents/${id}`, { permissions, default_scope: defaultScope });
    },
    async changeUser(userId, to) {
      const step = { active: 'enable', disabled: 'disable', signed_out: 'sign-out' }[to];
      await administer(server, 'POST', `/api/admin/users/${userId}/${step}`, {});
    },
    fateOf: async ({ value }) => ((await introspect(server, ADMIN, value)).active === true ? 'live' : 'dead'),
    told: () => undefined,
    async inspect(told) {
      await inspectStore(context);
      await countEvents(context, new Set([...parties.keys(), ...people]), told);
    },
    close: server.stop,
  };
}

const SETTINGS = {
  lifetimes: {
    accessToken: LIMITS.accessTokenSeconds,
    refreshToken: LIMITS.refreshTokenSeconds,
    handOff: LIMITS.handOffSeconds,
    task: LIMITS.taskDefaultSeconds,
    taskMax: LIMITS.taskMaxSeconds,
    codeTask: LIMITS.codeTaskSeconds,
    refreshGrace: LIMITS.refreshGraceSeconds,
  },
  tasks: { maxDepth: LIMITS.maxDepth, maxChildren: LIMITS.maxChildren },
};

function exchangeOf(subjectToken: string) {
  return { grant_type: TOKEN_EXCHANGE, subject_token: subjectToken, subject_token_type: ACCESS_TOKEN };
}

function parametersOf(ask: Ask, sha256: (value: string) => string) {
  const { challenge } = ask;
  return {
    scope: ask.scope?.join(' '),
    required_tools: ask.tools,
    required_resources: ask.resources,
    resource: ask.audiences,
    delegates: ask.delegates,
    max_depth: ask.maxDepth,
    max_children: ask.maxChildren,
    task_expires_in: ask.expiresIn,
    task_id: ask.taskId,
    parent_task_id: ask.parentTaskId,
    code_verifier: ask.verifier,
    ...(challenge ? { code_challenge: sha256(challenge), code_challenge_method: 'S256' } : {}),
  };
}

function outcome(now: () => number, { status, body, text }: Answer): Outcome {
  if (status >= 500) throw new Error(`the token endpoint answered ${status}: ${text}`);
  return status === 200 ? { granted: readGranted(now(), body) } : { refused: body.task_error ?? body.error };
}

function readGranted(now: number, body: Answer['body']): Granted {
  const { task } = body;
  return {
    taskId: body.task_id,
    parentTaskId: body.parent_task_id ?? null,
    via: body.parent_token_id ?? null,
    grant: undefined,
    access: { value: body.access_token, id: body.token_id, expiresAt: now + body.expires_in * 1000 },
    refresh: body.refresh_token && { value: body.refresh_token, expiresAt: undefined },
    audience: undefined,
    holding: {
      scope: body.scope === '' ? [] : body.scope.split(' '),
      audiences: task.audiences,
      tools: body.granted_tools,
      resources: body.granted_resources,
    },
    depth: task.depth,
    maxDepth: task.max_depth,
    maxChildren: task.max_children,
    delegates: task.delegates,
    bound: { verifier: task.verifier_bound, key: task.key_bound },
    expiresAt: task.expires_at * 1000,
  };
}
