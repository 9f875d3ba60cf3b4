import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { resolveTokenId } from '../../app/tokens/resolve-token.ts';
import { revokeToken } from '../../app/tokens/revoke-token.ts';
import { searchTokens, viewToken } from '../../app/tokens/search-tokens.ts';
import { DomainError } from '../../domain/errors.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import {
  clientId,
  flag,
  listAnswer,
  listOf,
  pageOf,
  pageQuery,
  publicId,
  reason,
  taskId,
} from '../fields.ts';
import { TokenRow, tokenRow } from '../rows/token-row.ts';

const tags = ['Administration: tokens'];
const params = z.strictObject({ token_id: publicId });

const listTokens = contract({
  method: 'get',
  path: '/api/admin/tokens',
  access: 'admin:read',
  summary: 'List tokens, newest first.',
  tags,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('tokens', TokenRow) },
});

const findTokens = contract({
  method: 'get',
  path: '/api/admin/tokens/search',
  access: 'admin:read',
  summary: 'Search tokens by client, task, parent task and state.',
  tags,
  query: z.strictObject({
    client_id: clientId.optional(),
    task_id: taskId.optional(),
    parent_task_id: taskId.optional(),
    is_valid: flag.optional(),
    is_revoked: flag.optional(),
    ...pageQuery,
  }),
  returns: { status: 200, body: listOf('tokens', TokenRow) },
});

const getToken = contract({
  method: 'get',
  path: '/api/admin/tokens/:token_id',
  access: 'admin:read',
  summary: 'Show a token by its public id.',
  tags,
  params,
  returns: { status: 200, body: TokenRow },
});

const revokeById = contract({
  method: 'post',
  path: '/api/admin/tokens/:token_id/revoke',
  access: 'admin:write',
  summary: 'Revoke a token and, unless revoke_children is false, everything derived through it.',
  tags,
  params,
  body: z.strictObject({ reason: reason.optional(), revoke_children: flag.default(true) }),
  returns: {
    status: 200,
    body: z.object({
      revoked: z.literal(true),
      token_id: z.string(),
      affected_child_tokens: z.int(),
      affected_truncated: z.boolean(),
    }),
  },
});

/** Tokens by their public id: to look at and to cut off. */
export function adminTokenRoutes(context: AppContext): BoundRoute[] {
  return [
    route(listTokens, async ({ query }) =>
      listAnswer('tokens', await searchTokens(context, {}, pageOf(query)), tokenRow),
    ),
    route(findTokens, async ({ query }) => {
      const filter = {
        clientId: query.client_id,
        taskId: query.task_id,
        parentTaskId: query.parent_task_id,
        valid: query.is_valid,
        revoked: query.is_revoked,
      };
      return listAnswer('tokens', await searchTokens(context, filter, pageOf(query)), tokenRow);
    }),
    route(getToken, async ({ params: { token_id } }) => tokenRow(await viewToken(context, token_id))),
    route(revokeById, async ({ params: { token_id }, body, caller }) => {
      const target = await resolveTokenId(context, token_id);
      if (!target) throw new DomainError('not_found', 'there is no such token');
      return revokeToken(context, {
        caller,
        target,
        reason: body.reason ?? null,
        revokeChildren: body.revoke_children,
      });
    }),
  ];
}
