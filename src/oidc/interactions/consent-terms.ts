import type { AppContext } from '../../app/context.ts';
import { readCatalogue } from '../../app/permissions/catalogue.ts';
import { resolveAudiences } from '../../app/resource-servers/audiences.ts';
import { assess, type ResolvedToken } from '../../app/tokens/resolve-token.ts';
import { type Agent, requireActive } from '../../domain/agent.ts';
import { authorizationSeconds } from '../../app/issuance/authorization-lifetime.ts';
import { requireOffered } from '../../domain/ceiling.ts';
import type { Catalogue } from '../../domain/catalogue.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Ruling } from '../../domain/policy/ruling.ts';
import { heldRights } from '../../domain/role.ts';
import { intersect } from '../../domain/scope.ts';
import type { User } from '../../domain/user.ts';
import { requireAskable } from '../authorization-policies.ts';
import { checkTaskIdFree } from '../authorization-request.ts';
import type { ConsentDetails } from '../consent-policy.ts';
import type { ClientLabel } from '../views/client-name.ts';
import { type AskedAuthorization, readAsked } from './asked-authorization.ts';
import { type Offer, offerRights } from './offer.ts';
import type { Pending } from './pending.ts';

/** Everything that a person is shown and asked to agree to. */
export interface ConsentTerms extends Offer {
  readonly agent: Agent;
  readonly user: User;
  readonly asked: AskedAuthorization;
  /** What rights mean to a person. */
  readonly catalogue: Catalogue;
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly delegates: readonly ClientLabel[];
  readonly parent: ResolvedToken | undefined;
  /** How long the task may last, in seconds. */
  readonly seconds: number;
  /** The same, apart from what the parent leaves of it, which is never more: what the person is asked to agree to. */
  readonly agreedSeconds: number;
}

/**
 * Reads who asks whom for what, as it is now.
 * @throws DomainError when the agent or the person may not act any more, the parent task is not this person's (R9), the
 * task id is taken, a service does not know what is asked any more, or a policy refuses; PolicyUnavailableError.
 */
export async function loadTerms(context: AppContext, pending: Pending): Promise<ConsentTerms> {
  const { agent, accountId = '', params } = pending;
  if (!agent) throw new DomainError('agent_not_active', 'the application is no longer registered');
  requireActive(agent);
  const user = await context.store.users.byId(accountId);
  if (user?.state !== 'active') throw new DomainError('forbidden', 'the account has been disabled');
  const asked = readAsked(context, params);
  await requireStillOffered(context, asked);
  await checkTaskIdFree(context, asked.request);
  const parent = await requireOwnParent(context, asked, user);
  const offer = offerRights(asked.rights, {
    person: heldRights(user),
    agent: heldRights(agent),
    parent: parent?.token.scope,
  });
  const names = namesOf(asked, agent, parent);
  const scope = [...asked.identity, ...offer.offered.map(({ right }) => right)];
  const ruling = await requireAskable(context, {
    agent,
    authority: { scope, audiences: asked.audiences, ...names },
    parent,
    subject: user.userId,
    maxDepth: asked.request.maxDepth,
  });
  // A policy may be about a right that the person does not grant, or gone by then.
  const agreedSeconds = Math.min(longest(context, pending, { agent, asked }), secondsOf(context, ruling));
  return {
    agent,
    user,
    asked,
    catalogue: await readCatalogue(context),
    ...offer,
    ...names,
    delegates: await labels(context, asked.request.delegates ?? []),
    parent,
    seconds: Math.min(agreedSeconds, secondsLeft(context, parent)),
    agreedSeconds,
  };
}

/** What the policies leave of it: the task begins when the code is redeemed, a moment after consent. */
function secondsOf({ clock }: AppContext, { endsAt }: Ruling): number {
  return endsAt === undefined ? Infinity : Math.ceil((endsAt - clock.now()) / 1000);
}

/** An approval for a service that has gone since, or knows the rights no more, would be for nothing. */
async function requireStillOffered(
  context: AppContext,
  { audiences, rights }: AskedAuthorization,
): Promise<void> {
  requireOffered(await resolveAudiences(context, audiences), rights);
}

async function requireOwnParent(
  context: AppContext,
  { parentTokenId }: AskedAuthorization,
  user: User,
): Promise<ResolvedToken | undefined> {
  if (parentTokenId === null) return undefined;
  const token = await context.store.tokens.byId(parentTokenId);
  const parent = token && (await assess(context, token));
  if (!parent) throw new DomainError('parent_invalid', 'the parent token is gone');
  if (parent.task.subject !== user.userId) {
    throw new DomainError(
      'subject_mismatch',
      'the parent task belongs to another person than the signed-in one',
    );
  }
  if (parent.liveness === 'expired') throw new DomainError('parent_expired', 'the parent token has expired');
  if (parent.liveness !== 'live') throw new DomainError('parent_revoked', 'the parent token was revoked');
  return parent;
}

/** R1: absent at a root means the agent's, absent in a child the parent's; signing in alone takes no tools. */
function namesOf(
  { request, audiences }: AskedAuthorization,
  agent: Agent,
  parent: ResolvedToken | undefined,
) {
  const inherited = (own: readonly string[], parents: readonly string[] | undefined) =>
    audiences.length === 0 ? [] : parents ? intersect(parents, own) : own;
  return {
    tools: request.tools ?? inherited(agent.tools, parent?.token.tools),
    resources: request.resources ?? inherited(agent.resources, parent?.token.resources),
  };
}

async function labels({ store }: AppContext, clientIds: readonly string[]): Promise<ClientLabel[]> {
  return Promise.all(
    clientIds.map(async (clientId) => ({
      clientId,
      name: (await store.agents.byId(clientId))?.name ?? clientId,
    })),
  );
}

/** R17: long only for clients that get a refresh token. */
function longest(
  { settings: { limits } }: AppContext,
  { interaction }: Pending,
  { agent, asked }: { agent: Agent; asked: AskedAuthorization },
): number {
  const { refreshes } = interaction.prompt.details as Partial<ConsentDetails>;
  const { expiresIn } = asked.request;
  // A server of the release before has not noted it.
  const refreshAllowed = refreshes ?? mayRefresh(agent);
  return authorizationSeconds(limits, { agent, expiresIn, refreshAllowed });
}

function mayRefresh({ metadata: { grant_types: grants } }: Agent): boolean {
  return Array.isArray(grants) && grants.includes('refresh_token');
}

function secondsLeft({ clock }: AppContext, parent: ResolvedToken | undefined): number {
  return parent ? Math.floor((parent.task.expiresAt - clock.now()) / 1000) : Infinity;
}
