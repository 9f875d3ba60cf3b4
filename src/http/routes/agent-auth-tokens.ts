import { z } from 'zod';
import { authenticateApiKey, type ProvenAgent } from '../../app/api-keys/authenticate-api-key.ts';
import { openByApiKey } from '../../app/api-keys/open-by-api-key.ts';
import { findOpenedRefreshToken, refreshOpenedTask } from '../../app/api-keys/refresh-opened-task.ts';
import { revokeOpenedTokens } from '../../app/api-keys/revoke-opened-tokens.ts';
import { keyStillWorks, tokenStillStands } from '../../app/api-keys/still-proven.ts';
import type { AppContext } from '../../app/context.ts';
import type { ResolvedToken } from '../../app/tokens/resolve-token.ts';
import { DomainError } from '../../domain/errors.ts';
import { checkDescription } from '../../domain/ids.ts';
import { parseScope } from '../../domain/scope.ts';
import { apiKeyRefused } from '../api-key-refused.ts';
import { type BoundRoute, contract, type Proof, provenRoute, route } from '../contract.ts';
import { apiKey, clientId, codeVerifier, taskId, wholeNumber } from '../fields.ts';
import type { Guessing } from '../guessing.ts';
import { problemOf } from '../errors.ts';
import { AgentAuthRow, agentAuthRow } from '../rows/agent-auth-row.ts';
import { TaskTokenRow, taskTokenRow } from '../rows/task-token-row.ts';
import type { RequestContext } from '../state.ts';

const tags = ['AgentAuth'];
const THIRTY_DAYS = 2_592_000;

const verify = contract({
  method: 'post',
  path: '/agents/verify',
  aliases: ['/api/agents/verify'],
  access: 'anonymous',
  issues: true,
  creates: true,
  summary: 'Prove an agent with its API key: opens a task and answers its tokens.',
  description:
    'With a code_challenge the task is bound to its code_verifier and may have children; without one it is a leaf, ' +
    'and each of its refresh tokens works exactly once. With a DPoP proof the tokens are bound to its key.',
  tags,
  body: z
    .strictObject({
      agent_id: clientId,
      api_key: apiKey,
      scope: z.string().max(4000).optional().meta({ description: 'Absent = the agent’s default scope.' }),
      resource: z.string().max(2048).optional().meta({ description: 'RFC 8707; absent = the default one.' }),
      task_id: taskId.optional(),
      task_description: z.string().max(2000).optional().meta({ description: 'At most 500 characters.' }),
      task_expires_in: wholeNumber(1, THIRTY_DAYS).optional().meta({ description: 'Seconds.' }),
      code_challenge: z
        .string()
        .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a code_challenge of RFC 7636 section 4.2')
        .optional(),
      code_challenge_method: z.literal('S256').optional(),
    })
    .refine((body) => (body.code_challenge === undefined) === (body.code_challenge_method === undefined), {
      path: ['code_challenge_method'],
      message: 'goes with code_challenge',
    }),
  returns: {
    status: 200,
    body: z.object({
      success: z.boolean(),
      verified: z.boolean(),
      message: z.string(),
      agent: AgentAuthRow,
      token: TaskTokenRow,
    }),
  },
});

const refresh = contract({
  method: 'post',
  path: '/agents/refresh',
  aliases: ['/api/agents/refresh'],
  access: 'anonymous',
  issues: true,
  creates: true,
  summary: 'Rotate a refresh token that /agents/verify gave out.',
  tags,
  body: z.strictObject({
    refresh_token: z.string().min(1).max(4096),
    code_verifier: codeVerifier.optional(),
  }),
  returns: {
    status: 200,
    body: z.object({ success: z.boolean(), message: z.string(), token: TaskTokenRow }),
  },
});

const revokeTokens = contract({
  method: 'post',
  path: '/agents/revoke-tokens',
  aliases: ['/api/agents/revoke-tokens'],
  access: 'task',
  summary: 'End every task that the agent’s API keys have opened, the one whose token asks among them.',
  tags,
  returns: {
    status: 200,
    body: z.object({
      success: z.boolean(),
      message: z.string(),
      revoked_tasks: z.int(),
      revoked_tokens: z.int().meta({ description: 'Tokens of these tasks that still worked.' }),
    }),
  },
});

const login = contract({
  method: 'post',
  path: '/auth/login',
  access: 'anonymous',
  issues: true,
  creates: true,
  summary: 'Get an access token with an API key alone.',
  description:
    'The task ends with its token; there is no refresh token. It is a leaf, unless a DPoP proof binds it: then what it ' +
    'derives ends with it.',
  tags,
  body: z.strictObject({ api_key: apiKey }),
  returns: {
    status: 200,
    body: TaskTokenRow.omit({ refresh_token: true, token_type: true }).extend({
      token_type: z.string().meta({ description: 'bearer, or dpop after a DPoP proof.' }),
    }),
  },
});

/** How agents get and end tokens in the manner of AgentAuth. The tokens are task tokens like any other. */
export function agentAuthTokenRoutes(context: AppContext, guessing: Guessing): BoundRoute[] {
  return [
    provenRoute(
      verify,
      ({ body, ctx }) => byApiKey(ctx, body.api_key, body.agent_id),
      async ({ body, caller, ctx }, { agent, key }) => {
        const issued = await openByApiKey(context, {
          caller,
          key,
          request: {
            taskId: body.task_id,
            description: body.task_description && checkDescription(body.task_description),
            scope: body.scope === undefined ? undefined : parseScope(body.scope),
            expiresIn: body.task_expires_in,
            codeChallenge: body.code_challenge,
            keyThumbprint: ctx.state.keyThumbprint,
          },
          resources: body.resource === undefined ? [] : [body.resource],
          refreshAllowed: true,
        });
        const message = 'The agent is verified.';
        const token = taskTokenRow(context, issued);
        return { success: true, verified: true, message, agent: agentAuthRow(agent), token };
      },
    ),
    provenRoute(
      refresh,
      ({ body, ctx }) => byRefreshToken(ctx, body.refresh_token),
      async ({ body, caller, ctx }, found) => {
        const issued = await refreshOpenedTask(context, {
          caller,
          refreshToken: body.refresh_token,
          found,
          codeVerifier: body.code_verifier,
          keyThumbprint: ctx.state.keyThumbprint,
        });
        return { success: true, message: 'The tokens are rotated.', token: taskTokenRow(context, issued) };
      },
    ),
    route(revokeTokens, async ({ caller }) => {
      const { tasks, tokens } = await revokeOpenedTokens(context, { caller, bearer: caller.bearer });
      const message = 'What the API keys of the agent had opened has ended.';
      return { success: true, message, revoked_tasks: tasks, revoked_tokens: tokens };
    }),
    provenRoute(
      login,
      ({ body, ctx }) => byApiKey(ctx, body.api_key),
      async ({ caller, ctx }, { key }) => {
        const issued = await openByApiKey(context, {
          caller,
          key,
          request: { keyThumbprint: ctx.state.keyThumbprint },
          resources: [],
          refreshAllowed: false,
        });
        const { token_type: type, ...token } = taskTokenRow(context, issued);
        return { ...token, token_type: type === 'DPoP' ? 'dpop' : 'bearer' };
      },
    ),
  ];

  /** @throws Problem 401 with `verified: false`, 429; DomainError as keyStillWorks. */
  async function byApiKey(ctx: RequestContext, value: string, agentId?: string): Promise<Proof<ProvenAgent>> {
    const proven = await guessing(ctx, agentId ?? value.slice(0, 15), async () => {
      const found = await authenticateApiKey(context, value, agentId);
      if (!found.agent) return { refused: apiKeyRefused(found, { verified: false }) };
      return { proven: found, agent: found.agent };
    });
    return { agent: proven.agent, holds: keyStillWorks(context, proven), proven };
  }

  /** @throws Problem 400, 429; DomainError as tokenStillStands. */
  async function byRefreshToken(ctx: RequestContext, value: string): Promise<Proof<ResolvedToken>> {
    const { agent, found } = await guessing(ctx, value.slice(0, 15), async () => {
      const found = await findOpenedRefreshToken(context, value);
      const agent = found && (await context.store.agents.byId(found.token.clientId));
      return agent ? { proven: { agent, found }, agent } : { refused: problemOf(unknownRefreshToken()) };
    });
    return { agent, holds: tokenStillStands(agent, found), proven: found };
  }
}

function unknownRefreshToken(): DomainError {
  return new DomainError('grant_invalid', 'the refresh token is not one that this endpoint gave out');
}
