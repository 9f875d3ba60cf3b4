import { z } from 'zod';
import { type Agent, defaultScopeOf } from '../../domain/agent.ts';
import { heldRights } from '../../domain/role.ts';
import { iso, isoOrNull, isoTime } from '../fields.ts';

const names = z.array(z.string());

/** An agent as it is shown. Name, description and statements are its own words: untrusted. */
export const AgentRow = z
  .object({
    client_id: z.string(),
    agent_name: z.string(),
    description: z.string(),
    state: z.enum(['pending', 'active', 'suspended', 'revoked']),
    is_active: z.boolean(),
    tier: z.enum(['free', 'pro', 'enterprise']),
    owner: z.string().nullable().meta({ description: 'Id of the user who answers for the agent.' }),
    permissions: names.meta({ description: 'Rights that were given to the agent itself.' }),
    roles: names.meta({ description: 'By which it may be granted more.' }),
    effective_permissions: names.meta({
      description: 'Rights that it may ever be granted: its own and those of its roles.',
    }),
    requested_permissions: names.meta({ description: 'Asked for at registration and not granted.' }),
    default_scope: names.meta({ description: 'What a request that names no scope gets.' }),
    allowed_tools: names,
    requested_tools: names.meta({ description: 'Asked for at registration and not granted.' }),
    allowed_resources: names,
    requested_resources: names.meta({ description: 'Asked for at registration and not granted.' }),
    audiences: names.nullable().meta({ description: 'null = every audience.' }),
    max_depth: z.int().nullable(),
    max_children: z.int().nullable(),
    max_task_seconds: z.int().nullable(),
    challenge_waived: z
      .boolean()
      .meta({ description: 'May ask without a code_challenge; the tokens are leaves.' }),
    grant_types: names,
    token_endpoint_auth_method: z.string(),
    redirect_uris: names,
    statements: z
      .record(z.string(), z.string())
      .meta({ description: 'What the agent says of itself; never evaluated.' }),
    created_at: isoTime,
    activated_at: isoTime.nullable(),
    deleted_at: isoTime.nullable(),
  })
  .meta({ id: 'Agent' });

export function agentRow(agent: Agent): z.input<typeof AgentRow> {
  const { metadata } = agent;
  return {
    client_id: agent.clientId,
    agent_name: agent.name,
    description: agent.description,
    state: agent.state,
    is_active: agent.state === 'active',
    tier: agent.tier,
    owner: agent.owner,
    permissions: [...agent.permissions],
    roles: agent.roles.map(({ name }) => name),
    effective_permissions: [...heldRights(agent)],
    requested_permissions: texts(metadata['requested_permissions']),
    default_scope: [...defaultScopeOf(agent)],
    allowed_tools: [...agent.tools],
    requested_tools: texts(metadata['requested_tools']),
    allowed_resources: [...agent.resources],
    requested_resources: texts(metadata['requested_resources']),
    audiences: agent.audiences && [...agent.audiences],
    max_depth: agent.maxDepth,
    max_children: agent.maxChildren,
    max_task_seconds: agent.maxTaskSeconds,
    challenge_waived: agent.challengeWaived,
    grant_types: texts(metadata['grant_types']),
    token_endpoint_auth_method: text(metadata['token_endpoint_auth_method']) ?? 'client_secret_basic',
    redirect_uris: texts(metadata['redirect_uris']),
    statements: Object.fromEntries(
      Object.entries(metadata['statements'] ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    created_at: iso(agent.createdAt),
    activated_at: isoOrNull(agent.activatedAt),
    deleted_at: isoOrNull(agent.deletedAt),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
