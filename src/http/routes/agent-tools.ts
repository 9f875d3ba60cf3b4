import { z } from 'zod';
import { addTool, removeTool } from '../../app/agents/change-agent-tools.ts';
import type { AppContext } from '../../app/context.ts';
import { viewAgent } from '../../app/agents/view-agent.ts';
import type { Agent } from '../../domain/agent.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId } from '../fields.ts';

const tags = ['Agents'];
const params = z.strictObject({ clientId });
const toolId = z.string().min(1).max(128);
const oneTool = z.strictObject({ clientId, toolId });
const Tools = z.object({ client_id: z.string(), tools: z.array(z.object({ tool_id: z.string() })) });

const list = contract({
  method: 'get',
  path: '/api/agents/:clientId/tools',
  access: 'task',
  summary: 'List the tools that an agent may use: for itself or an administrator.',
  tags,
  params,
  returns: { status: 200, body: Tools },
});

const add = contract({
  method: 'post',
  path: '/api/agents/:clientId/tools',
  access: 'admin:write',
  summary: 'Let an agent use one more tool.',
  tags,
  params,
  body: z.strictObject({ tool_id: toolId }),
  returns: { status: 200, body: Tools },
});

const addNamed = contract({
  method: 'post',
  path: '/api/agents/:clientId/tools/:toolId',
  access: 'admin:write',
  summary: 'Let an agent use one more tool.',
  tags,
  params: oneTool,
  returns: { status: 200, body: Tools },
});

const remove = contract({
  method: 'delete',
  path: '/api/agents/:clientId/tools/:toolId',
  access: 'admin:write',
  summary: 'Take a tool from an agent; running tasks keep it, what is issued from now on does not have it.',
  tags,
  params: oneTool,
  returns: { status: 200, body: Tools },
});

/** The tools of one agent. */
export function agentToolRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ params: { clientId }, caller }) => {
      const self = caller.bearer.token.clientId;
      const administrator = caller.administers('admin:read');
      return toolsOf(await viewAgent(context, { caller, clientId, self, administrator }));
    }),
    route(add, async ({ params: { clientId }, body, caller }) =>
      toolsOf(await addTool(context, { caller, clientId, tool: body.tool_id })),
    ),
    route(addNamed, async ({ params: { clientId, toolId: tool }, caller }) =>
      toolsOf(await addTool(context, { caller, clientId, tool })),
    ),
    route(remove, async ({ params: { clientId, toolId: tool }, caller }) =>
      toolsOf(await removeTool(context, { caller, clientId, tool })),
    ),
  ];
}

function toolsOf({ clientId, tools }: Agent): z.input<typeof Tools> {
  return { client_id: clientId, tools: tools.map((tool) => ({ tool_id: tool })) };
}
