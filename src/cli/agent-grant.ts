import { findAgent } from '../app/agents/find-agent.ts';
import { editAgent } from '../app/agents/update-agent.ts';
import type { Agent } from '../domain/agent.ts';
import { DomainError } from '../domain/errors.ts';
import type { DataOptions } from './options.ts';
import { json, record } from './print.ts';
import { agentRow, agentText } from './rows.ts';
import type { Session } from './session.ts';

interface GrantOptions extends DataOptions {
  readonly permission?: readonly string[];
  readonly requested?: boolean;
  readonly tool?: readonly string[];
  readonly resource?: readonly string[];
  readonly audience?: readonly string[];
  readonly defaultScope?: readonly string[];
  readonly replace?: boolean;
}

type Names = readonly string[] | undefined;

/** An operator decides what an agent may be granted; running tasks keep what they have. */
export async function grantToAgent(
  { context, caller }: Session,
  clientId: string,
  options: GrantOptions,
): Promise<void> {
  const agent = await findAgent(context, clientId);
  const edits = editsOf(agent, options);
  if (Object.values(edits).every((edit) => edit === undefined)) {
    throw new DomainError('parameter_invalid', 'name at least one thing to grant (see --help)');
  }
  const updated = await editAgent(context, { caller, agent, edits });
  if (options.json) json(agentRow(updated));
  else record(agentText(updated));
}

function editsOf(agent: Agent, { replace = false, ...asked }: GrantOptions) {
  const set = (before: readonly string[], named: Names): Names =>
    named === undefined || replace ? named : [...new Set([...before, ...named])];
  return {
    permissions: set(agent.permissions, permissionsOf(agent, asked)),
    tools: set(agent.tools, asked.tool),
    resources: set(agent.resources, asked.resource),
    audiences: set(audiencesOf(agent, asked.audience, replace), asked.audience),
    defaultScope: set(agent.defaultScope, asked.defaultScope),
  };
}

function permissionsOf({ metadata }: Agent, { permission, requested }: GrantOptions): Names {
  if (!requested) return permission;
  const waiting = metadata['requested_permissions'];
  return [...(permission ?? []), ...(Array.isArray(waiting) ? waiting.map(String) : [])];
}

/** No list means every audience: adding one to it would take all others away. */
function audiencesOf({ audiences }: Agent, named: Names, replace: boolean): readonly string[] {
  if (audiences === null && named !== undefined && !replace) {
    throw new DomainError(
      'parameter_invalid',
      'the agent may use every audience; with --replace it may use those named only',
    );
  }
  return audiences ?? [];
}
