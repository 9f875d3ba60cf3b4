import { formatScope } from '../../domain/scope.ts';
import type { ExplainedRight, ExplainedStep, Explanation } from './explanation.ts';

/** An explanation with the names and times of the REST API; the command line prints the same. */
export function explanationAnswer(explained: Explanation) {
  const { endedBy, subject, steps, taskId, state } = explained;
  return {
    token_id: explained.tokenId,
    kind: explained.kind,
    is_live: state === 'live',
    state,
    ended_by: endedBy && {
      kind: endedBy.kind,
      handle: endedBy.handle,
      task_id: endedBy.taskId,
      at: iso(endedBy.at),
      reason: endedBy.reason,
      actor: endedBy.actor,
    },
    client_id: explained.clientId,
    task_id: taskId,
    audience: explained.audience,
    scope: formatScope(explained.scope),
    issued_at: iso(explained.issuedAt),
    expires_at: iso(explained.expiresAt),
    subject: subject && { ...subject },
    scopes: explained.rights.map((right) => rightRow(right, steps)),
    steps: steps.map(stepRow),
    task_chain: taskId === null ? null : `/api/admin/audit/task-chain/${taskId}`,
    no_longer_known: [...explained.unknown],
  };
}

function rightRow({ right, consented, path }: ExplainedRight, steps: readonly ExplainedStep[]) {
  return {
    right,
    consented,
    path: path.map(({ taskId, clientId, before, after, grantedBy, ceiling }, i) => ({
      task_id: taskId,
      client_id: clientId,
      before,
      after,
      granted_by: grantedBy,
      ceiling,
      policy: policyNames(steps[i]),
    })),
  };
}

/** Each once, in the order in which they decided. */
function policyNames(step: ExplainedStep | undefined): string[] {
  if (!step) return [];
  const { handOff, opened, issued } = step.policy;
  return [...new Set([...handOff, ...opened, ...issued].map(({ name }) => name))];
}

function stepRow(step: ExplainedStep) {
  const { consent, policy, scopeBefore } = step;
  return {
    task_id: step.taskId,
    client_id: step.clientId,
    agent_name: step.agentName,
    origin: step.origin,
    depth: step.depth,
    state: step.state,
    opened_at: iso(step.openedAt),
    api_key: step.apiKey && { key_id: step.apiKey.keyId, name: step.apiKey.name },
    consent: consent && {
      user_id: consent.userId,
      grant: consent.grant,
      at: iso(consent.at),
      asked: formatScope(consent.asked),
      granted: formatScope(consent.granted),
      held_by: { ...consent.heldBy },
    },
    via_token_id: step.via,
    hand_off_token_id: step.handOff,
    scope_before: scopeBefore === null ? null : formatScope(scopeBefore),
    scope_after: formatScope(step.scopeAfter),
    token_id: step.tokenId,
    granted_by: { ...step.grantedBy },
    policy: { hand_off: [...policy.handOff], opened: [...policy.opened], issued: [...policy.issued] },
  };
}

/** ISO 8601, UTC. */
function iso(at: number): string;
function iso(at: number | null): string | null;
function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
