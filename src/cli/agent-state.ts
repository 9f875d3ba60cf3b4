import type { Command } from 'commander';
import { type AgentTarget, changeAgentState } from '../app/agents/change-agent-state.ts';
import { rotateSecret } from '../app/agents/rotate-secret.ts';
import { type DataOptions, withJson, withReason } from './options.ts';
import { json, line, note, record } from './print.ts';
import { agentRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

interface ReasonOptions extends DataOptions {
  readonly reason?: string;
}

interface Change {
  readonly name: string;
  readonly to: AgentTarget;
  readonly says: string;
}

const CHANGES: readonly Change[] = [
  { name: 'activate', to: 'active', says: 'Let a pending agent act.' },
  { name: 'suspend', to: 'suspended', says: 'Suspend an agent: everything it was granted ends at once.' },
  { name: 'reactivate', to: 'active', says: 'Let a suspended agent act; what has ended stays ended.' },
  { name: 'delete', to: 'deleted', says: 'Delete an agent: everything ends, its history stays.' },
];

export function addAgentStateCommands(agent: Command): void {
  for (const { name, to, says } of CHANGES) {
    withReason(withJson(agent.command(name).argument('<client_id>')))
      .description(says)
      .action(
        inSession((session, clientId: string, options: ReasonOptions) =>
          change(session, clientId, to, options),
        ),
      );
  }
  withJson(agent.command('rotate-secret').argument('<client_id>'))
    .description('Give an agent a new secret, shown only now; the old one works for an overlap.')
    .option('--immediate', 'end the old secrets at once')
    .action(inSession(rotate));
}

async function change(
  { context, caller }: Session,
  clientId: string,
  to: AgentTarget,
  { reason = null, json: asJson }: { reason?: string | null; json?: boolean },
): Promise<void> {
  const agent = await changeAgentState(context, { caller, clientId, to, reason });
  if (asJson) json(agentRow(agent));
  else line(`${clientId} is ${to === 'deleted' ? 'deleted' : agent.state}`);
}

async function rotate(
  { context, caller }: Session,
  clientId: string,
  { immediate = false, json: asJson }: DataOptions & { immediate?: boolean },
): Promise<void> {
  const rotated = await rotateSecret(context, { caller, clientId, proof: 'administrator', immediate });
  const row = {
    client_id: clientId,
    client_secret: rotated.clientSecret,
    old_secrets_expire_at: new Date(rotated.oldSecretsExpireAt).toISOString(),
  };
  if (asJson) {
    json(row);
    return;
  }
  record(row);
  note('Keep the secret: it is shown only now.');
}
