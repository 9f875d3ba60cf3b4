import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { registerWithApiKey } from '../../app/agents/register-with-api-key.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { Problem } from '../problem.ts';
import { registrarOf } from '../registrar.ts';
import { AgentAuthRow, agentAuthRow } from '../rows/agent-auth-row.ts';

const name = z.string().max(200);

/** Strict: a member such as `tier`, `status` or `roles` is refused, not taken for granted. */
const Registration = z.strictObject({
  name: name.optional().meta({ description: '3 to 100 characters.' }),
  agent_name: name.optional().meta({ description: 'The same under its other name.' }),
  owner_email: z.email().max(254).meta({ description: 'Kept as a statement of the agent, never evaluated.' }),
  description: z.string().max(2000).default('').meta({ description: 'At most 500 characters.' }),
  permissions: z
    .array(z.string().max(1000))
    .min(1)
    .max(50)
    .optional()
    .meta({ description: 'Rights asked for; absent = the default ones.' }),
});

const register = contract({
  method: 'post',
  path: '/agents/register',
  access: 'optional',
  registers: true,
  creates: true,
  summary: 'Register an agent that acts at once, with an API key that is shown this once.',
  description:
    'Without an admin:write token the agent gets what it asks for within the default permissions; the rest is listed ' +
    'as pending_permissions and waits for an administrator. Unknown permissions are refused in invalid_permissions.',
  tags: ['AgentAuth'],
  body: Registration,
  returns: {
    status: 201,
    body: z.object({
      success: z.boolean(),
      message: z.string(),
      agent: AgentAuthRow,
      credentials: z.object({ api_key: z.string(), token_type: z.string() }),
      agent_id: z.string(),
      api_key: z.string(),
    }),
  },
});

/** How agents register in the manner of AgentAuth: one answer for clients of either of its two forms. */
export function agentAuthRegistrationRoutes(context: AppContext): BoundRoute[] {
  return [
    route(register, async ({ body, caller }) => {
      const { agent, apiKey } = await registerWithApiKey(context, {
        caller,
        registrar: registrarOf(context, caller),
        name: nameOf(body),
        description: body.description,
        ownerEmail: body.owner_email,
        permissions: body.permissions,
      });
      return {
        success: true,
        message: 'The agent is registered. Keep the API key: it is shown only now.',
        agent: agentAuthRow(agent),
        credentials: { api_key: apiKey.value, token_type: 'Bearer' },
        agent_id: agent.clientId,
        api_key: apiKey.value,
      };
    }),
  ];
}

/** @throws Problem 400 unless the agent is named, and not in two ways. */
function nameOf({ name, agent_name: agentName }: z.output<typeof Registration>): string {
  const named = name ?? agentName;
  if (named !== undefined && (agentName ?? named) === named) return named;
  const message = named === undefined ? 'is missing' : 'differs from agent_name';
  throw new Problem(400, 'request_invalid', `name: ${message}`, {
    members: { faults: [{ in: 'body', path: 'name', message }] },
  });
}
