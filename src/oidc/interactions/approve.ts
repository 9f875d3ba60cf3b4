import type { Context } from 'koa';
import type { Fact } from '../../app/audit/audit-trail.ts';
import { notEndedSince } from '../../app/agents/find-agent.ts';
import { liveParent } from '../../app/issuance/issue-token.ts';
import { deferChanges } from '../../app/idempotency/deferred-units.ts';
import type { Change, Guard } from '../../app/unit-of-work.ts';
import { withFoundations } from '../../app/users/consents.ts';
import { notCutOffSince } from '../../app/users/find-user.ts';
import { DomainError } from '../../domain/errors.ts';
import { heldBy } from '../../domain/grant-reason.ts';
import { insertTaskConsent, type TaskConsent } from '../task-consent.ts';
import { answerRequest } from './answer-request.ts';
import type { ConsentTerms } from './consent-terms.ts';
import type { OfferedRight } from './offer.ts';
import type { InteractionsOptions } from './options.ts';
import { loadPending, type Pending } from './pending.ts';

export interface Approval {
  readonly pending: Pending;
  readonly terms: ConsentTerms;
  readonly rights: readonly OfferedRight[];
  readonly identity: readonly string[];
}

/** The client takes a moment from the code to its redemption. */
const SLACK_SECONDS = 60;

/**
 * Stores what the person granted: a Grant for the engine, made for this authorization alone, and the terms of the task
 * under its id. Nothing comes of either before the code is redeemed. A form that is sent again meanwhile gets the grant
 * that it got before, and nothing is left of its own: it would be shown as one more consent.
 * @throws PageRefusal 400 for another answer than the one that was given already, and for a person who is cut off;
 * DomainError `agent_not_active`, `parent_revoked`, `parent_expired`.
 */
export async function approve(
  options: InteractionsOptions,
  ctx: Context,
  approval: Approval,
): Promise<string> {
  const { context } = options;
  const { pending, terms, rights, identity } = approval;
  const { userId } = terms.user;
  const standing = guardsOf(terms);
  const { result: grantId, changes } = await deferChanges(() => saveEngineGrant(options, approval));
  const expiresAt = context.clock.now() + redeemableSeconds(options, pending) * 1000;
  // The epoch was read from the person's row: it is the one of the sign-in, if that has not ended since.
  await loadPending(options, ctx, pending.uid);
  const first = await answerRequest(options, ctx, pending, {
    userId,
    person: notCutOffSince(terms.user),
    standsOn: standing,
    answer: context.digests.sha256(JSON.stringify([identity, rights.map(({ right }) => right)])),
    grantId,
    changes: [
      ...changes.map((change) => noted(change, standing)),
      insertTaskConsent(grantId, consentOf(approval), expiresAt),
    ],
    fact: factOf(approval, grantId),
  });
  return String(first);
}

/** Nothing could come of an approval when the agent, or the task that it is below, was cut off at that moment. */
function guardsOf({ agent, parent }: ConsentTerms): readonly Guard[] {
  const ended = new DomainError('agent_not_active', 'the agent was suspended or deleted meanwhile');
  return [notEndedSince(agent, ended), ...(parent ? [{ ...liveParent(parent), live: parent }] : [])];
}

function noted(change: Change, standing: readonly Guard[]): Change {
  if (change.do !== 'insert_artifact') return change;
  const foundations = standing.flatMap(({ live }) => live.dependencies);
  return { ...change, artifact: withFoundations(change.artifact, foundations) };
}

/** The browser may come back for its code as long as the request waits: after an outage it is told to try again. */
function redeemableSeconds(
  { codeSeconds }: Pick<InteractionsOptions, 'codeSeconds'>,
  { interaction: { iat, exp } }: Pending,
): number {
  return exp - iat + codeSeconds + SLACK_SECONDS;
}

function factOf({ pending, terms, rights, identity }: Approval, grantId: string): Fact {
  const { user, asked } = terms;
  const granted = rights.map(({ right }) => right);
  return {
    type: 'consent_granted',
    clientId: pending.clientId,
    userId: user.userId,
    taskId: asked.request.taskId,
    parentTaskId: terms.parent?.task.taskId,
    details: {
      grant: grantId,
      asked: [...asked.identity, ...asked.rights],
      granted: [...identity, ...granted],
      granted_by: heldBy(user, granted),
      audiences: asked.audiences,
      tools: terms.tools,
      resources: terms.resources,
      delegates: terms.delegates.map(({ clientId }) => clientId),
    },
  };
}

/**
 * The engine asks again for every requested scope that its Grant neither holds nor rejects, to the letter. So an asked
 * wildcard counts as granted when a part of it is; what really was granted stands in the task's consent.
 */
async function saveEngineGrant(
  options: InteractionsOptions,
  { pending, terms, rights, identity }: Approval,
): Promise<string> {
  const { context, provider } = options;
  const { asked, user } = terms;
  const grant = new (provider().Grant)({ accountId: user.userId, clientId: pending.clientId });
  // As long as something of it may live: it is listed as a consent.
  const seconds = redeemableSeconds(options, pending) + terms.agreedSeconds;
  grant.exp = Math.ceil(context.clock.now() / 1000) + seconds;
  const left = asked.identity.filter((scope) => !identity.includes(scope));
  if (identity.length > 0) grant.addOIDCScope(identity.join(' '));
  if (left.length > 0) grant.rejectOIDCScope(left.join(' '));
  const granted = new Set(rights.map((right) => right.asked));
  const held = asked.rights.filter((right) => granted.has(right));
  // No service is told who the person is by a scope of its own.
  const refused = [...asked.rights.filter((right) => !granted.has(right)), ...asked.identity];
  for (const audience of asked.audiences) {
    if (held.length > 0) grant.addResourceScope(audience, held.join(' '));
    if (refused.length > 0) grant.rejectResourceScope(audience, refused.join(' '));
  }
  return grant.save();
}

/**
 * R4: the epochs are those of now, so that a suspension between consent and redemption counts. The time is what the
 * person agreed to, so that what the client may by the time of redemption does not make it longer.
 */
function consentOf({ pending, terms, rights, identity }: Approval): TaskConsent {
  const { agent, user, asked, tools, resources, agreedSeconds } = terms;
  const scope = asked.rights.length > 0 ? rights.map(({ right }) => right) : identity;
  return {
    userId: user.userId,
    userEpoch: user.epoch,
    clientId: pending.clientId,
    agentEpoch: agent.epoch,
    request: { ...asked.request, expiresIn: agreedSeconds },
    authority: { scope, audiences: asked.audiences, tools, resources },
    detailed: asked.detailed,
    parentTokenId: asked.parentTokenId,
    codeChallenge: asked.codeChallenge,
  };
}
