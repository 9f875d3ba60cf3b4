import { activateAgent } from '../app/agents/activate-agent.ts';
import { type AuthMethod, GRANT_TYPES, type GrantType } from '../app/agents/client-metadata.ts';
import { registerAgent } from '../app/agents/register-agent.ts';
import type { Agent } from '../domain/agent.ts';
import { oneOf, type DataOptions } from './options.ts';
import { json, note, record } from './print.ts';
import { agentRow } from './rows.ts';
import type { Session } from './session.ts';

interface RegisterOptions extends DataOptions {
  readonly name: string;
  readonly description: string;
  readonly permission?: readonly string[];
  readonly tool: readonly string[];
  readonly resource: readonly string[];
  readonly redirectUri?: readonly string[];
  readonly grantType?: readonly string[];
  readonly authMethod?: AuthMethod;
  readonly activate?: boolean;
}

/** The operator at the server itself: registration is open to nobody more. */
export async function registerFromCli({ context, caller }: Session, options: RegisterOptions): Promise<void> {
  const { credentials, ...registered } = await registerAgent(context, {
    caller,
    registrar: 'operator',
    name: options.name,
    description: options.description,
    tools: options.tool,
    resources: options.resource,
    permissions: options.permission,
    client: {
      redirectUris: options.redirectUri,
      grantTypes: options.grantType?.map(oneOf(GRANT_TYPES)) satisfies GrantType[] | undefined,
      authMethod: options.authMethod,
    },
  });
  const { registrationToken } = credentials;
  const show = (agent: Agent) => {
    const shown = {
      client_id: credentials.clientId,
      ...(credentials.clientSecret === null ? {} : { client_secret: credentials.clientSecret }),
      ...(agent.state === 'pending' ? { registration_token: registrationToken } : {}),
    };
    if (options.json) {
      json({ agent: agentRow(agent), credentials: shown });
      return;
    }
    record({ ...shown, state: agent.state, permissions: agent.permissions });
    note('Keep the credentials: they are shown only now.');
  };
  if (!options.activate) {
    show(registered.agent);
    return;
  }
  let activated: Agent;
  try {
    activated = await activateAgent(context, { caller, registrationToken });
  } catch (error) {
    // It is registered all the same, and nobody could learn its secret later.
    show(registered.agent);
    throw error;
  }
  show(activated);
}
