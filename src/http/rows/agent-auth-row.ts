import { z } from 'zod';
import type { Agent } from '../../domain/agent.ts';
import { heldRights } from '../../domain/role.ts';
import { iso, isoTime } from '../fields.ts';

/** An agent in the names of AgentAuth. Name, description and owner_email are its own words: untrusted. */
export const AgentAuthRow = z.object({
  agent_id: z.string(),
  name: z.string(),
  description: z.string(),
  owner_email: z.string().nullable().meta({ description: 'What the agent says of itself; never evaluated.' }),
  permissions: z
    .array(z.string())
    .meta({ description: 'Rights that the agent may ever be granted, those of its roles among them.' }),
  pending_permissions: z
    .array(z.string())
    .meta({ description: 'Asked for and not granted: an administrator decides.' }),
  tier: z.enum(['free', 'pro', 'enterprise']),
  status: z.enum(['pending', 'active', 'suspended', 'revoked']),
  created_at: isoTime,
});

export function agentAuthRow(agent: Agent): z.input<typeof AgentAuthRow> {
  const { requested_permissions: pending, statements } = agent.metadata;
  const email = (statements as Record<string, unknown> | undefined)?.['owner_email'];
  return {
    agent_id: agent.clientId,
    name: agent.name,
    description: agent.description,
    owner_email: typeof email === 'string' ? email : null,
    permissions: [...heldRights(agent)],
    pending_permissions: Array.isArray(pending) ? pending.map(String) : [],
    tier: agent.tier,
    status: agent.state,
    created_at: iso(agent.createdAt),
  };
}
