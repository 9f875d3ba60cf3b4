import { effectiveTaskStates } from '../tasks/task-liveness.ts';
import type { Agent } from '../../domain/agent.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import type { Task, TaskOrigin, TaskState } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import { type KnownTask, scopeBefore, scopeOf, viaOf } from './chain.ts';
import type { ExplainedApiKey, ExplainedConsent, ExplainedStep } from './explanation.ts';
import { consentOf, issuanceOf, keyOf, policyIn, reasonsIn, textIn } from './issuance-events.ts';

export interface StepSources {
  readonly tasks: readonly KnownTask[];
  readonly tokenId: string;
  /** How the explained token was issued. */
  readonly issuance: AuditEvent | undefined;
  readonly agents: ReadonlyMap<string, Agent>;
}

/** Each task of the chain with the edge that leads to it; what is not known any more is told in words. */
export async function explainSteps(
  context: AppContext,
  sources: StepSources,
): Promise<{ steps: readonly ExplainedStep[]; unknown: readonly string[] }> {
  const { tasks } = sources;
  const states = await statesOf(context, tasks);
  const unknown: string[] = [];
  const steps = await Promise.all(
    tasks.map(async (task, i) => {
      const below = tasks[i + 1];
      const tokenId = below ? (viaOf(below) ?? '') : sources.tokenId;
      const found = await eventsOf(context, task, below ? tokenId : undefined);
      const issued = below ? found.issued : sources.issuance;
      if (!issued) unknown.push(`how the token ${tokenId} was issued`);
      if (isOfKey(task) && !found.apiKey) unknown.push(`which API key opened the task ${task.taskId}`);
      if (isOfPerson(task) && !found.consent) unknown.push(`what was approved for the task ${task.taskId}`);
      return stepOf(sources, task, { ...found, issued, depth: i, tokenId, state: states.get(task.taskId) });
    }),
  );
  return { steps, unknown };
}

interface Found {
  readonly apiKey: ExplainedApiKey | undefined;
  readonly consent: ExplainedConsent | undefined;
  readonly handedOff: AuditEvent | undefined;
  readonly issued: AuditEvent | undefined;
  readonly depth: number;
  readonly tokenId: string;
  readonly state: TaskState | undefined;
}

function stepOf({ agents }: StepSources, task: KnownTask, found: Found): ExplainedStep {
  const { row, opening, taskId } = task;
  const clientId = row?.clientId ?? opening?.clientId ?? null;
  return {
    taskId,
    clientId,
    agentName: agents.get(clientId ?? '')?.name ?? null,
    origin: originOf(task),
    depth: row?.depth ?? found.depth,
    state: found.state ?? null,
    openedAt: row?.createdAt ?? opening?.at ?? null,
    apiKey: found.apiKey ?? null,
    consent: found.consent ?? null,
    via: viaOf(task),
    handOff: found.handedOff?.tokenId ?? null,
    scopeBefore: scopeBefore(task),
    scopeAfter: scopeOf(task),
    tokenId: found.tokenId,
    policy: {
      handOff: policyIn(found.handedOff),
      opened: policyIn(opening),
      issued: policyIn(found.issued),
    },
    grantedBy: reasonsIn(found.issued?.details['granted_by']),
  };
}

async function eventsOf(context: AppContext, task: KnownTask, tokenId: string | undefined) {
  const { row } = task;
  const [issued, handedOff, consent, apiKey] = await Promise.all([
    tokenId === undefined ? undefined : issuanceOf(context, tokenId),
    // What was derived by a hand-off token has that token as its grant (issuance/derive-task.ts).
    row?.parentTokenId ? issuanceOf(context, row.grant) : undefined,
    row && isOfPerson(task) ? approvalOf(context, row) : undefined,
    isOfKey(task) ? keyOf(context, task.taskId) : undefined,
  ]);
  return { issued, handedOff, consent, apiKey };
}

/** The code leaves a moment after the consent, and the task is opened when it is redeemed. */
function approvalOf(context: AppContext, { subject: userId, clientId, grant, createdAt: before }: Task) {
  return consentOf(context, { userId, clientId, grant, before });
}

function isOfPerson(task: KnownTask): boolean {
  return originOf(task) === 'authorization_code';
}

function isOfKey(task: KnownTask): boolean {
  return originOf(task) === 'api_key';
}

function originOf({ row, opening }: KnownTask): TaskOrigin | null {
  return row?.origin ?? (textIn(opening?.details['origin']) as TaskOrigin | null);
}

async function statesOf(context: AppContext, tasks: readonly KnownTask[]): Promise<Map<string, TaskState>> {
  const rows = tasks.flatMap(({ row }) => row ?? []);
  const states = await effectiveTaskStates(context, rows);
  return new Map(rows.map(({ taskId }, i) => [taskId, states[i] ?? 'revoked']));
}
