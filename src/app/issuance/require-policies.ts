import type { Agent } from '../../domain/agent.ts';
import type { Opening } from '../../domain/opening.ts';
import { decisionInput, readDecision } from '../../domain/policy/decision-point.ts';
import { judge } from '../../domain/policy/judge.ts';
import { restricts } from '../../domain/policy/match.ts';
import type {
  DecisionPointPolicy,
  DelegatePair,
  Policy,
  PolicyRequest,
  PolicyStep,
} from '../../domain/policy/policy.ts';
import { type Ruling, rule, UNRULED } from '../../domain/policy/ruling.ts';
import type { Verdict } from '../../domain/policy/verdict.ts';
import type { Authority, Task } from '../../domain/task.ts';
import { PolicyUnavailableError } from '../../domain/unavailable.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

/** What is about to be issued. */
export interface PolicyCase {
  readonly step: PolicyStep;
  readonly agent: Agent;
  readonly authority: Authority;
  readonly subjectKind: 'user' | 'agent';
  /** Null before the person has signed in. */
  readonly subject: string | null;
  /** Of the task; 0 at a root. */
  readonly depth: number;
  /** Absent: the task is new. Milliseconds since the epoch. */
  readonly openedAt?: number;
  /** The client whose authority would be passed on, and to whom. */
  readonly pair?: DelegatePair;
}

/**
 * Asks the operator's policies in their order, until one refuses. INVARIANT: nothing is issued that any policy refuses,
 * or that a decision point did not permit in time.
 * @throws DomainError `policy_denied`; PolicyUnavailableError.
 */
export async function requirePolicies(context: AppContext, asked: PolicyCase): Promise<Ruling> {
  const { policies } = context.settings;
  if (policies.length === 0) return UNRULED;
  const request = policyRequest(context, asked);
  const verdicts: Verdict[] = [];
  for (const policy of policies) {
    // One after the other: a denial spares the decision points after it the question.
    const verdict = await verdictOf(context, policy, request);
    if (verdict) verdicts.push(verdict);
    if (verdict?.effect === 'deny') break;
  }
  return rule(verdicts, request);
}

/** A task that is there already, about which a further token is asked for. */
export function ofTask(
  task: Task,
): Pick<PolicyCase, 'subjectKind' | 'subject' | 'depth'> & { openedAt: number } {
  const { subjectKind, subject, depth, createdAt: openedAt } = task;
  return { subjectKind, subject, depth, openedAt };
}

/** Asks for a child of a parent that is presented. */
export function requireChildPolicies(
  context: AppContext,
  {
    step,
    agent,
    parent: { task },
    opening,
  }: { step: PolicyStep; agent: Agent; parent: ResolvedToken; opening: Opening },
): Promise<Ruling> {
  const { subjectKind, subject, depth, clientId } = task;
  return requirePolicies(context, {
    step,
    agent,
    authority: opening.authority,
    subjectKind,
    subject,
    depth: depth + 1,
    ...pairOf(clientId, agent.clientId),
  });
}

/** One client's authority in another's hands; nothing when both are the same. */
export function pairOf(parent: string, child: string): { readonly pair?: DelegatePair } {
  return parent === child ? {} : { pair: { parent, child } };
}

export function policyRequest({ clock }: Pick<AppContext, 'clock'>, asked: PolicyCase): PolicyRequest {
  const { agent, openedAt, pair, ...rest } = asked;
  const now = clock.now();
  return {
    ...rest,
    clientId: agent.clientId,
    tier: agent.tier,
    roles: agent.roles.map(({ name }) => name),
    pair: pair ?? null,
    openedAt: openedAt ?? now,
    now,
  };
}

function verdictOf(
  context: AppContext,
  policy: Policy,
  request: PolicyRequest,
): Verdict | undefined | Promise<Verdict | undefined> {
  if (policy.kind !== 'decision_point') return judge(policy, request);
  return restricts(policy, request) ? ask(context, policy, request) : undefined;
}

async function ask(
  { decisionPoint }: AppContext,
  policy: DecisionPointPolicy,
  request: PolicyRequest,
): Promise<Verdict> {
  const { endpoint, timeoutMs, sendsToken } = policy;
  const told = await decisionPoint.ask({ endpoint, timeoutMs, sendsToken, input: decisionInput(request) });
  if ('failure' in told) throw new PolicyUnavailableError(policy.name, told.failure);
  const verdict = readDecision(policy, told.answer, request);
  if (!verdict) throw new PolicyUnavailableError(policy.name, 'malformed answer');
  return verdict;
}
