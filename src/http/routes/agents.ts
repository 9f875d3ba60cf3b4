import { z } from 'zod';
import { type AgentTarget, changeAgentState } from '../../app/agents/change-agent-state.ts';
import type { AppContext } from '../../app/context.ts';
import { listAgents } from '../../app/agents/list-agents.ts';
import { rotateSecret } from '../../app/agents/rotate-secret.ts';
import { updateAgent } from '../../app/agents/update-agent.ts';
import { viewAgent } from '../../app/agents/view-agent.ts';
import { type BoundRoute, contract, type RouteRequest, route } from '../contract.ts';
import {
  clientId,
  codeVerifier,
  flag,
  listAnswer,
  listOf,
  pageOf,
  pageQuery,
  publicId,
  reason,
} from '../fields.ts';
import { AgentRow, agentRow } from '../rows/agent-row.ts';
import { SecretRow, secretRow } from '../rows/secret-row.ts';

const tags = ['Agents'];
const params = z.strictObject({ clientId });
const why = z.strictObject({ reason: reason.optional() });
const names = z.array(z.string().max(128)).max(100);
const limit = z.int().nullable().optional();

const list = contract({
  method: 'get',
  path: '/api/agents/list',
  access: 'admin:read',
  summary: 'List agents, newest first.',
  tags,
  query: z.strictObject({
    state: z.enum(['pending', 'active', 'suspended', 'revoked']).optional(),
    name: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'Part of the name, whatever the case of A to Z.' }),
    include_deleted: flag.default(false),
    ...pageQuery,
  }),
  returns: { status: 200, body: listOf('agents', AgentRow) },
});

const me = contract({
  method: 'get',
  path: '/api/agents/me',
  access: 'task',
  summary: 'Show the agent whose token asks.',
  tags,
  returns: { status: 200, body: AgentRow },
});

const get = contract({
  method: 'get',
  path: '/api/agents/:clientId',
  access: 'task',
  summary: 'Show an agent: to itself or to an administrator.',
  tags,
  params,
  query: z.strictObject({ include_deleted: flag.default(false) }),
  returns: { status: 200, body: AgentRow },
});

const update = contract({
  method: 'put',
  path: '/api/agents/:clientId',
  access: 'admin:write',
  summary: 'Change what an agent is called and what it may be granted.',
  description: 'Absent members stay as they are, null removes a limit. Running tasks keep what they have.',
  tags,
  params,
  body: z.strictObject({
    agent_name: z.string().max(200).optional(),
    description: z.string().max(2000).optional(),
    permissions: names.optional(),
    default_scope: names.optional(),
    allowed_tools: names.optional(),
    allowed_resources: names.optional(),
    audiences: z.array(z.string().max(500)).max(100).nullable().optional(),
    max_depth: limit,
    max_children: limit,
    max_task_seconds: limit,
    tier: z.enum(['free', 'pro', 'enterprise']).optional(),
    challenge_waived: z.boolean().optional(),
    owner: publicId.nullable().optional(),
  }),
  returns: { status: 200, body: AgentRow },
});

const remove = contract({
  method: 'delete',
  path: '/api/agents/:clientId',
  access: 'admin:write',
  summary: 'Delete an agent: everything it was granted ends, its history stays.',
  tags,
  params,
  query: why,
  returns: { status: 200, body: z.object({ message: z.string(), agent: AgentRow }) },
});

const suspend = contract({
  method: 'post',
  path: '/api/agents/:clientId/suspend',
  access: 'admin:write',
  summary: 'Suspend an agent: everything it was granted ends at once.',
  tags,
  params,
  body: why,
  returns: { status: 200, body: AgentRow },
});

const reactivate = contract({
  ...suspend,
  path: '/api/agents/:clientId/reactivate',
  summary: 'Let a suspended or pending agent act; what has ended stays ended.',
});

const rotate = contract({
  method: 'post',
  path: '/api/agents/:clientId/rotate-secret',
  creates: true,
  access: 'task',
  summary: 'Give an agent a new secret; the old ones work for an overlap.',
  description:
    'By an administrator, or by the agent itself with the code_verifier of the task whose token asks.',
  tags,
  params,
  body: z.strictObject({ immediate: flag.default(false), code_verifier: codeVerifier.optional() }),
  returns: { status: 200, body: SecretRow },
});

/** Agents as administrators see and govern them, and as they see themselves. */
export function agentRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ query, caller }) => {
      const { state, name, include_deleted: includeDeleted } = query;
      const found = await listAgents(context, { caller, state, name, includeDeleted, page: pageOf(query) });
      return listAnswer('agents', found, agentRow);
    }),
    route(me, async ({ caller }) => {
      const self = caller.bearer.token.clientId;
      return agentRow(await viewAgent(context, { caller, clientId: self, self, administrator: false }));
    }),
    route(get, async ({ params: { clientId }, query, caller }) => {
      const self = caller.bearer.token.clientId;
      const administrator = caller.administers('admin:read');
      const includeDeleted = query.include_deleted;
      return agentRow(await viewAgent(context, { caller, clientId, self, administrator, includeDeleted }));
    }),
    route(update, async ({ params: { clientId }, body, caller }) =>
      agentRow(await updateAgent(context, { caller, clientId, edits: editsOf(body) })),
    ),
    route(remove, async ({ params, query, caller }) => ({
      message: 'The agent is deleted; its history stays.',
      agent: await changeTo('deleted', context, { params, body: query, caller }),
    })),
    route(suspend, (request) => changeTo('suspended', context, request)),
    route(reactivate, (request) => changeTo('active', context, request)),
    route(rotate, async ({ params: { clientId }, body, caller, ctx }) => {
      const { bearer } = caller;
      const { keyThumbprint } = ctx.state;
      const own = { bearer, codeVerifier: body.code_verifier, keyThumbprint };
      const proof = caller.administers('admin:write') ? 'administrator' : own;
      return secretRow(await rotateSecret(context, { caller, clientId, proof, immediate: body.immediate }));
    }),
  ];
}

type Change = Pick<
  RouteRequest<z.output<typeof params>, unknown, z.output<typeof why>, 'admin:write'>,
  'params' | 'body' | 'caller'
>;

async function changeTo(
  to: AgentTarget,
  context: AppContext,
  { params: { clientId }, body, caller }: Change,
) {
  return agentRow(await changeAgentState(context, { caller, clientId, to, reason: body.reason ?? null }));
}

function editsOf(body: z.output<NonNullable<typeof update.body>>) {
  return {
    name: body.agent_name,
    description: body.description,
    permissions: body.permissions,
    defaultScope: body.default_scope,
    tools: body.allowed_tools,
    resources: body.allowed_resources,
    audiences: body.audiences,
    maxDepth: body.max_depth,
    maxChildren: body.max_children,
    maxTaskSeconds: body.max_task_seconds,
    tier: body.tier,
    challengeWaived: body.challenge_waived,
    owner: body.owner,
  };
}
