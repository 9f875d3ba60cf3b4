import { z } from 'zod';
import { agentActivity } from '../../app/agents/agent-activity.ts';
import { endAgent } from '../../app/agents/end-agent.ts';
import { requireKnownPermissions } from '../../app/agents/register-with-api-key.ts';
import { updateAgent } from '../../app/agents/update-agent.ts';
import { viewAgent } from '../../app/agents/view-agent.ts';
import type { AppContext } from '../../app/context.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId, reason, sliceQuery } from '../fields.ts';
import { visitorOf } from '../own-visitor.ts';
import { ActivityRow, activityRow, Pagination, paginationOf } from '../rows/activity-row.ts';
import { AgentAuthRow, agentAuthRow } from '../rows/agent-auth-row.ts';

const tags = ['AgentAuth'];
const params = z.strictObject({ clientId });
const OneAgent = z.object({ success: z.boolean(), agent: AgentAuthRow });

const list = contract({
  method: 'get',
  path: '/agents',
  aliases: ['/api/agents'],
  access: 'admin:read',
  summary: 'List agents, newest first, counted.',
  tags,
  query: z.strictObject({
    status: z.enum(['pending', 'active', 'suspended', 'revoked']).optional(),
    ...sliceQuery,
  }),
  returns: {
    status: 200,
    body: z.object({
      success: z.boolean(),
      agents: z.array(AgentAuthRow),
      total: z.int(),
      pagination: Pagination,
    }),
  },
});

const get = contract({
  method: 'get',
  path: '/agents/:clientId',
  access: 'task',
  summary: 'Show an agent: to itself or to an administrator, who sees revoked ones too.',
  tags,
  params,
  returns: { status: 200, body: OneAgent },
});

const revoke = contract({
  method: 'post',
  path: '/agents/:clientId/revoke',
  aliases: ['/api/agents/:clientId/revoke'],
  access: 'task',
  summary: 'End an agent for good, by itself or an administrator: everything it was granted ends at once.',
  tags,
  params,
  body: z.strictObject({ reason: reason.optional() }),
  returns: { status: 200, body: OneAgent.extend({ message: z.string() }) },
});

const activity = contract({
  method: 'get',
  path: '/agents/:clientId/activity',
  aliases: ['/api/agents/:clientId/activity'],
  access: 'task',
  summary: 'What an agent did and what happened to it, newest first: for itself or an administrator.',
  description: 'The agent itself does not learn who others were, from where they came, nor the details.',
  tags,
  params,
  query: z.strictObject(sliceQuery),
  returns: {
    status: 200,
    body: z.object({
      success: z.boolean(),
      agent_id: z.string(),
      activity: z.array(ActivityRow),
      pagination: Pagination,
    }),
  },
});

const setTier = contract({
  method: 'put',
  path: '/agents/:clientId/tier',
  aliases: ['/api/agents/:clientId/tier'],
  access: 'admin:write',
  summary: 'Change the tier of an agent, and so how much it may ask for in a minute.',
  tags,
  params,
  body: z.strictObject({ tier: z.enum(['free', 'pro', 'enterprise']) }),
  returns: { status: 200, body: OneAgent },
});

const setPermissions = contract({
  method: 'put',
  path: '/agents/:clientId/permissions',
  aliases: ['/api/agents/:clientId/permissions'],
  access: 'admin:write',
  summary: 'Set what an agent may be granted; running tasks keep what they have.',
  tags,
  params,
  body: z.strictObject({ permissions: z.array(z.string().max(1000)).max(100) }),
  returns: { status: 200, body: OneAgent },
});

/** Agents in the manner of AgentAuth: the same agents, under the names that its clients know. */
export function agentAuthAgentRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ query }) => {
      const { status: state, ...slice } = query;
      const filter = { kind: 'agent', state, includeDeleted: state === 'revoked' } as const;
      const found = await context.store.agents.slice(filter, slice);
      const pagination = paginationOf(found, slice);
      return { success: true, agents: found.items.map(agentAuthRow), total: found.total, pagination };
    }),
    route(get, async ({ params: { clientId }, caller }) => {
      const administrator = caller.administers('admin:read');
      const self = caller.bearer.token.clientId;
      const includeDeleted = administrator;
      const agent = await viewAgent(context, { caller, clientId, self, administrator, includeDeleted });
      return { success: true, agent: agentAuthRow(agent) };
    }),
    route(revoke, async ({ params: { clientId }, body, caller }) => {
      const visitor = visitorOf(caller, 'admin:write');
      const agent = await endAgent(context, { caller, clientId, visitor, reason: body.reason ?? null });
      return {
        success: true,
        message: 'The agent is revoked; its history stays.',
        agent: agentAuthRow(agent),
      };
    }),
    route(activity, async ({ params: { clientId }, query, caller }) => {
      const visitor = visitorOf(caller, 'admin:read');
      const found = await agentActivity(context, { clientId, visitor, slice: query });
      return {
        success: true,
        agent_id: clientId,
        activity: found.items.map((event) => activityRow(clientId, event)),
        pagination: paginationOf(found, query),
      };
    }),
    route(setTier, async ({ params: { clientId }, body, caller }) => {
      const agent = await updateAgent(context, { caller, clientId, edits: { tier: body.tier } });
      return { success: true, agent: agentAuthRow(agent) };
    }),
    route(setPermissions, async ({ params: { clientId }, body, caller }) => {
      const { permissions } = body;
      await requireKnownPermissions(context, permissions);
      const agent = await updateAgent(context, { caller, clientId, edits: { permissions } });
      return { success: true, agent: agentAuthRow(agent) };
    }),
  ];
}
