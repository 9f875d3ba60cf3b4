import type { Agent } from '../../domain/agent.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { DomainError } from '../../domain/errors.ts';
import { heldBy } from '../../domain/grant-reason.ts';
import { includedIn, recordedFor } from '../../domain/right-path.ts';
import { heldRights } from '../../domain/role.ts';
import type { Scope } from '../../domain/scope.ts';
import type { AppContext } from '../context.ts';
import { type ResolvedToken, assess } from '../tokens/resolve-token.ts';
import { type Chain, chainOf, type KnownTask, subjectOf } from './chain.ts';
import { endingOf } from './ending.ts';
import type { ExplainedRight, ExplainedStep, ExplainedSubject, Explanation } from './explanation.ts';
import { issuanceOf, issuanceOfRefresh, textIn, wordsIn } from './issuance-events.ts';
import { explainSteps } from './steps.ts';

/**
 * Why a token may do what it may: for each right who (subject), by which consent, through which tasks and agents, and
 * what the policies said on the way; and whether it is live, or what ended it. Told from rows and audit events alone.
 * @throws DomainError `not_found`.
 */
export async function explainToken(context: AppContext, tokenId: string): Promise<Explanation> {
  const { issuance, resolved, scope, ...facts } = await findToken(context, tokenId);
  const chain = facts.taskId === null ? NOTHING : await chainOf(context, facts.taskId);
  const agents = await agentsOf(context, chain.tasks);
  const { steps, unknown } = await explainSteps(context, { tasks: chain.tasks, tokenId, issuance, agents });
  return {
    tokenId,
    ...facts,
    scope,
    subject: await whoOf(context, chain.tasks, agents),
    endedBy: resolved ? await endingOf(context, resolved, chain.tasks) : null,
    steps,
    rights: scope.map((right) => explainRight(right, steps, agents)),
    unknown: [...(facts.state === 'removed' ? ['the token itself'] : []), ...chain.unknown, ...unknown],
  };
}

const NOTHING: Chain = { tasks: [], unknown: ['its task'] };

interface FoundToken
  extends Pick<
    Explanation,
    'kind' | 'state' | 'clientId' | 'taskId' | 'audience' | 'scope' | 'issuedAt' | 'expiresAt'
  > {
  readonly issuance: AuditEvent | undefined;
  readonly resolved: ResolvedToken | undefined;
}

/** Its row is kept for as long as it may matter; the audit trail tells of it for longer. */
async function findToken(context: AppContext, tokenId: string): Promise<FoundToken> {
  const [row, ownIssuance] = await Promise.all([
    context.store.tokens.byId(tokenId),
    issuanceOf(context, tokenId),
  ]);
  if (!row) return removedToken(ownIssuance);
  const { kind, clientId, taskId, audience, scope, issuedAt, expiresAt } = row;
  const resolved = await assess(context, row);
  const issuance = kind === 'refresh' ? await issuanceOfRefresh(context, row) : ownIssuance;
  // Its task is gone only when it has long expired.
  const state = resolved?.liveness ?? 'expired';
  return { kind, clientId, taskId, audience, scope, issuedAt, expiresAt, state, issuance, resolved };
}

function removedToken(issuance: AuditEvent | undefined): FoundToken {
  if (!issuance) throw new DomainError('not_found', 'there is no such token, or it is not known any more');
  const { details, clientId, taskId, at } = issuance;
  const ends = details['expires_at'];
  return {
    kind: null,
    state: 'removed',
    clientId,
    taskId,
    audience: textIn(details['audience']),
    scope: wordsIn(details['scope']),
    issuedAt: at,
    expiresAt: typeof ends === 'number' ? ends * 1000 : null,
    issuance,
    resolved: undefined,
  };
}

async function agentsOf(
  { store }: AppContext,
  tasks: readonly KnownTask[],
): Promise<ReadonlyMap<string, Agent>> {
  const ids = new Set(tasks.flatMap(({ row, opening }) => row?.clientId ?? opening?.clientId ?? []));
  const found = await Promise.all([...ids].map((id) => store.agents.byId(id)));
  return new Map(found.flatMap((agent) => (agent ? [[agent.clientId, agent] as const] : [])));
}

async function whoOf(
  { store }: AppContext,
  tasks: readonly KnownTask[],
  agents: ReadonlyMap<string, Agent>,
): Promise<ExplainedSubject | null> {
  const last = tasks.at(-1);
  const subject = last && subjectOf(last);
  if (!subject) return null;
  const { kind, id } = subject;
  const name = kind === 'user' ? (await store.users.byId(id))?.name : agents.get(id)?.name;
  return { kind, id, name: name ?? null };
}

function explainRight(
  right: string,
  steps: readonly ExplainedStep[],
  agents: ReadonlyMap<string, Agent>,
): ExplainedRight {
  const consent = steps.findLast((step) => step.consent !== null)?.consent;
  return {
    right,
    consented: consent ? includedIn(consent.granted, right) : null,
    path: steps.map(({ taskId, clientId, scopeBefore, scopeAfter, grantedBy }) => ({
      taskId,
      clientId,
      before: scopeBefore && includedIn(scopeBefore, right),
      after: includedIn(scopeAfter, right),
      grantedBy: recordedFor(grantedBy, right),
      ceiling: ceilingNow(agents.get(clientId ?? ''), right),
    })),
  };
}

function ceilingNow(agent: Agent | undefined, right: string) {
  const held: Scope = agent ? heldRights(agent) : [];
  return agent && includedIn(held, right) !== null ? (heldBy(agent, [right])[right] ?? null) : null;
}
