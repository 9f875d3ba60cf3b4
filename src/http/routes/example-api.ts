import { z } from 'zod';
import { checkTaskContext } from '../../app/tasks/check-task-context.ts';
import type { AppContext } from '../../app/context.ts';
import { exampleApi } from '../../app/resource-servers/example-api.ts';
import { EXAMPLE_API_PATH } from '../../app/resource-servers/own-apis.ts';
import { DomainError } from '../../domain/errors.ts';
import { formatScope } from '../../domain/scope.ts';
import type { BearerCaller } from '../caller.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { taskId } from '../fields.ts';
import { Problem } from '../problem.ts';
import type { RequestContext } from '../state.ts';

const tags = ['Example API'];

const readProtected = contract({
  method: 'get',
  path: EXAMPLE_API_PATH,
  access: 'example',
  summary: 'An example of an API that accepts task tokens.',
  description:
    'X-Task-ID must be the task of the token; X-Parent-Task-ID and X-Parent-Token-ID are compared when sent.',
  tags,
  headers: z.object({
    'X-Task-ID': taskId,
    'X-Parent-Task-ID': z.string().optional(),
    'X-Parent-Token-ID': z.string().optional(),
  }),
  returns: {
    status: 200,
    body: z.object({
      message: z.string(),
      client_id: z.string(),
      subject: z.string(),
      scope: z.string(),
      tools: z.array(z.string()),
      task_id: z.string(),
      parent_task_id: z.string().nullable(),
      parent_token_id: z.string().nullable(),
    }),
  },
});

const writeProtected = contract({ ...readProtected, method: 'post' });

const metadata = contract({
  method: 'get',
  path: '/.well-known/oauth-protected-resource',
  aliases: [`/.well-known/oauth-protected-resource${EXAMPLE_API_PATH}`],
  access: 'anonymous',
  summary: 'Where to get tokens for the example API (RFC 9728).',
  tags,
  returns: {
    status: 200,
    body: z.object({
      resource: z.string(),
      authorization_servers: z.array(z.string()).min(1),
      bearer_methods_supported: z.array(z.string()),
      scopes_supported: z.array(z.string()).optional(),
      resource_name: z.string().optional(),
    }),
  },
});

/** The protected API of the examples and its RFC 9728 metadata. */
export function exampleApiRoutes(context: AppContext): BoundRoute[] {
  const { settings } = context;
  return [
    route(readProtected, ({ caller, ctx }) => answer(context, caller, ctx)),
    route(writeProtected, ({ caller, ctx }) => answer(context, caller, ctx)),
    route(metadata, async () => {
      const { owner, scopes } = await exampleApi(context);
      return {
        resource: settings.defaultAudience,
        authorization_servers: [settings.issuer],
        bearer_methods_supported: ['header'],
        ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
        ...(owner ? { resource_name: owner.name } : {}),
      };
    }),
  ];
}

async function answer(context: AppContext, caller: BearerCaller, ctx: RequestContext) {
  const { token, task } = caller.bearer;
  try {
    await checkTaskContext(context, caller, caller.bearer, statedContext(ctx));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new Problem(403, error.code, error.message, {
      members: error.details,
      fact: { type: 'task_context_verification', reason: 'task_context_mismatch' },
    });
  }
  return {
    message: 'The token was accepted for this task.',
    client_id: token.clientId,
    subject: token.subject,
    scope: formatScope(token.scope),
    tools: [...token.tools],
    task_id: task.taskId,
    parent_task_id: task.parentTaskId,
    parent_token_id: token.parentTokenId,
  };
}

/** @throws Problem 400 without X-Task-ID or with one that is none. */
function statedContext(ctx: RequestContext) {
  const stated = taskId.safeParse(ctx.get('X-Task-ID'));
  if (!stated.success) {
    throw new Problem(400, 'task_context_required', 'the header X-Task-ID must name the task of the token', {
      fact: { type: 'task_context_verification' },
    });
  }
  return {
    taskId: stated.data,
    parentTaskId: ctx.get('X-Parent-Task-ID') || undefined,
    parentTokenId: ctx.get('X-Parent-Token-ID') || undefined,
  };
}
