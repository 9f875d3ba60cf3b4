import { z } from 'zod';
import { activateAgent } from '../../app/agents/activate-agent.ts';
import { AUTH_METHODS, GRANT_TYPES } from '../../app/agents/client-metadata.ts';
import type { AppContext } from '../../app/context.ts';
import { type RegisteredAgent, registerAgent } from '../../app/agents/register-agent.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { flag, iso, isoTime } from '../fields.ts';
import { registrarOf } from '../registrar.ts';
import { AgentRow, agentRow } from '../rows/agent-row.ts';

const tags = ['Agents'];
const names = z.array(z.string().max(128)).max(100);
const statement = z.string().max(100);

/** Members that are not named here are ignored, as RFC 7591 §2 asks of registrations. */
const Registration = z.object({
  agent_name: z.string().max(200).meta({ description: '3 to 100 characters.' }),
  description: z.string().max(2000).default('').meta({ description: 'At most 500 characters.' }),
  allowed_tools: names.default([]),
  tool_ids: names.default([]).meta({ description: 'Further tools.' }),
  allowed_resources: names.default([]),
  permissions: names.optional().meta({ description: 'Rights asked for; absent = the default ones.' }),
  scope: z.string().max(4000).optional().meta({ description: 'Further rights, separated by spaces.' }),
  redirect_uris: z.array(z.string().max(2000)).max(20).optional(),
  grant_types: z.array(z.enum(GRANT_TYPES)).max(GRANT_TYPES.length).optional(),
  token_endpoint_auth_method: z.enum(AUTH_METHODS).optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  dpop_bound_access_tokens: flag.optional(),
  max_scope_level: statement.optional(),
  agent_type: statement.optional(),
  model: statement.optional(),
  version: statement.optional(),
  provider: statement.optional(),
  instance_id: statement.optional(),
});

const register = contract({
  method: 'post',
  path: '/api/agents/register',
  access: 'optional',
  registers: true,
  creates: true,
  summary: 'Register an agent; it acts once its registration token is used.',
  description:
    'Without an admin:write token the agent gets the default permissions at most; what more was asked waits for ' +
    'an administrator. The three credentials are shown this once.',
  tags,
  body: Registration,
  returns: {
    status: 201,
    body: z.object({
      message: z.string(),
      agent: AgentRow,
      credentials: z.object({
        client_id: z.string(),
        client_secret: z.string().optional(),
        registration_token: z.string(),
        registration_token_expires_at: isoTime,
      }),
    }),
  },
});

const activate = contract({
  method: 'post',
  path: '/api/agents/activate',
  access: 'anonymous',
  summary: 'Use a registration token, which works once: the agent may act from now on.',
  tags,
  body: z.strictObject({ registration_token: z.string().min(1).max(200) }),
  returns: { status: 200, body: z.object({ message: z.string(), agent: AgentRow }) },
});

/** How agents come to the server. */
export function agentRegistrationRoutes(context: AppContext): BoundRoute[] {
  return [
    route(register, async ({ body, caller }) => {
      const registered = await registerAgent(context, {
        caller,
        registrar: registrarOf(context, caller),
        name: body.agent_name,
        description: body.description,
        tools: [...body.allowed_tools, ...body.tool_ids],
        resources: body.allowed_resources,
        permissions: rightsOf(body),
        statements: statementsOf(body),
        client: {
          redirectUris: body.redirect_uris,
          grantTypes: body.grant_types,
          authMethod: body.token_endpoint_auth_method,
          jwks: body.jwks,
          dpopBound: body.dpop_bound_access_tokens,
        },
      });
      return registrationAnswer(registered);
    }),
    route(activate, async ({ body, caller }) => {
      const agent = await activateAgent(context, { caller, registrationToken: body.registration_token });
      return { message: 'The agent is active.', agent: agentRow(agent) };
    }),
  ];
}

function registrationAnswer({ agent, credentials }: RegisteredAgent) {
  const { clientId, clientSecret, registrationToken, registrationTokenExpiresAt } = credentials;
  return {
    message: 'The agent is registered. Keep the credentials: they are shown only now.',
    agent: agentRow(agent),
    credentials: {
      client_id: clientId,
      ...(clientSecret === null ? {} : { client_secret: clientSecret }),
      registration_token: registrationToken,
      registration_token_expires_at: iso(registrationTokenExpiresAt),
    },
  };
}

type Body = z.output<typeof Registration>;

function rightsOf({ permissions, scope }: Body): readonly string[] | undefined {
  if (permissions === undefined && scope === undefined) return undefined;
  return [...(permissions ?? []), ...(scope === undefined ? [] : [scope])];
}

function statementsOf(body: Body): Record<string, string> {
  const { max_scope_level, agent_type, model, version, provider, instance_id } = body;
  const statements = { max_scope_level, agent_type, model, version, provider, instance_id };
  return Object.fromEntries(
    Object.entries(statements).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
