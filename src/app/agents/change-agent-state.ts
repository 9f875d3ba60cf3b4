import { type Agent, type AgentState, checkTransition } from '../../domain/agent.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { ADMIN_CLIENT_ID, agentChanged, findAgent } from './find-agent.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { AgentPatch, Change } from '../unit-of-work.ts';

export type AgentTarget = 'suspended' | 'active' | 'deleted';

export interface ChangeAgentStateCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly to: AgentTarget;
  readonly reason: string | null;
}

const BECOMES: Record<AgentTarget, AgentState> = {
  suspended: 'suspended',
  active: 'active',
  deleted: 'revoked',
};

const EVENT: Record<AgentTarget, AuditEventType> = {
  suspended: 'agent_suspended',
  active: 'agent_reactivated',
  deleted: 'agent_deleted',
};

/**
 * Suspends, reactivates or deletes an agent. Suspending and deleting end everything that rests on it with one
 * ledger row; reactivating lets it start anew and revives nothing (R4). Deleting keeps the row and its history.
 * @throws DomainError `not_found`, or `conflict` for a change that its state does not allow.
 */
export async function changeAgentState(
  context: AppContext,
  command: ChangeAgentStateCommand,
): Promise<Agent> {
  const { clientId, to, caller, reason } = command;
  const agent = await findAgent(context, clientId);
  checkTransition(agent.state, BECOMES[to]);
  requireNotBuiltIn(agent, to);
  const set = patchOf(context, agent, to);
  const activated = to === 'active' && agent.state === 'pending';
  await context.store.commit(
    unitOf(context, caller, changesOf(context, command, agent, set), {
      type: activated ? 'agent_activated' : EVENT[to],
      clientId,
      reason,
      details: { before: agent.state, after: set.state, epoch: set.epoch ?? agent.epoch },
    }),
  );
  return { ...agent, ...set };
}

function patchOf({ clock }: AppContext, agent: Agent, to: AgentTarget): AgentPatch {
  const state = BECOMES[to];
  if (to === 'active') return { state, activatedAt: agent.activatedAt ?? clock.now() };
  const epoch = agent.epoch + 1;
  return to === 'deleted' ? { state, epoch, deletedAt: clock.now() } : { state, epoch };
}

function changesOf(
  context: AppContext,
  { caller, clientId, to, reason }: ChangeAgentStateCommand,
  agent: Agent,
  set: AgentPatch,
): Change[] {
  const update: Change = {
    do: 'update_agent',
    clientId,
    expectEpoch: agent.epoch,
    expect: { state: agent.state },
    set,
    miss: agentChanged(),
  };
  if (set.epoch === undefined) return [update];
  const entry = revocationOf(context, caller, { kind: 'agent', handle: clientId, epoch: set.epoch, reason });
  const at = context.clock.now();
  const credentials: Change[] = [
    { do: 'expire_secrets', clientId, except: null, at },
    { do: 'end_api_keys', clientId, at },
    { do: 'delete_registration_access_token', clientId },
    { do: 'delete_event_receiver', clientId },
  ];
  return [update, { do: 'revoke', entry }, ...(to === 'deleted' ? credentials : [])];
}

/** Its id could never be given again, so the server could not be administered by its client any more. */
function requireNotBuiltIn({ clientId }: Agent, to: AgentTarget): void {
  if (clientId === ADMIN_CLIENT_ID && to === 'deleted') {
    throw new DomainError('conflict', `${ADMIN_CLIENT_ID} is built in: suspend it instead`);
  }
}
