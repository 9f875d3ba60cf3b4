import { z } from 'zod';
import { authenticateApiKey } from '../../app/api-keys/authenticate-api-key.ts';
import { createApiKey } from '../../app/api-keys/create-api-key.ts';
import type { KeyProof } from '../../app/api-keys/key-holder.ts';
import { listApiKeys } from '../../app/api-keys/list-api-keys.ts';
import { revokeApiKey } from '../../app/api-keys/revoke-api-key.ts';
import { rotateApiKey } from '../../app/api-keys/rotate-api-key.ts';
import type { AppContext } from '../../app/context.ts';
import { apiKeyRefused } from '../api-key-refused.ts';
import type { BearerCaller } from '../caller.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import {
  apiKey,
  clientId,
  codeVerifier,
  flag,
  iso,
  isoTime,
  listAnswer,
  listOf,
  pageOf,
  pageQuery,
  publicId,
  wholeNumber,
} from '../fields.ts';
import type { Guessing } from '../guessing.ts';
import { visitorOf } from '../own-visitor.ts';
import { ApiKeyRow, apiKeyRow } from '../rows/api-key-row.ts';
import type { RequestContext } from '../state.ts';

const tags = ['API keys'];
const ofAgent = z.strictObject({ clientId });
const ofKey = z.strictObject({ clientId, keyId: publicId });
const TEN_YEARS = 315_360_000;

/** What shows that the caller is the agent, besides the token; administrators send neither. */
const proof = {
  code_verifier: codeVerifier.optional().meta({ description: 'Of the task whose token asks.' }),
  api_key: apiKey.optional().meta({ description: 'Instead of it: a key of the agent that works.' }),
};

const NewKey = z.object({
  api_key: z.string().meta({ description: 'tg_<prefix>_<secret>, shown this once.' }),
  key: ApiKeyRow,
});

const create = contract({
  method: 'post',
  path: '/api/agents/:clientId/api-keys',
  aliases: ['/agents/:clientId/api-keys'],
  access: 'task',
  creates: true,
  summary: 'Give an agent an API key, shown this once.',
  description:
    'By an administrator, or by the agent itself with the code_verifier of the task whose token asks or an API key ' +
    'that it has: a token alone is seen by every API that it is sent to.',
  tags,
  params: ofAgent,
  body: z.strictObject({
    name: z.string().max(200).meta({ description: '1 to 100 characters.' }),
    expires_in: wholeNumber(60, TEN_YEARS).optional().meta({ description: 'Seconds.' }),
    ...proof,
  }),
  returns: { status: 201, body: NewKey },
});

const list = contract({
  method: 'get',
  path: '/api/agents/:clientId/api-keys',
  aliases: ['/agents/:clientId/api-keys'],
  access: 'task',
  summary: 'List the API keys of an agent, newest first: for itself or an administrator.',
  tags,
  params: ofAgent,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('api_keys', ApiKeyRow) },
});

const rotate = contract({
  method: 'post',
  path: '/api/agents/:clientId/api-keys/:keyId/rotate',
  aliases: ['/agents/:clientId/api-keys/:keyId/rotate'],
  access: 'task',
  creates: true,
  summary: 'Give an API key a successor; the old one works for an overlap. Proof as for a new key.',
  tags,
  params: ofKey,
  body: z.strictObject({ immediate: flag.default(false), ...proof }),
  returns: { status: 200, body: NewKey.extend({ replaced: ApiKeyRow, old_key_expires_at: isoTime }) },
});

const revoke = contract({
  method: 'delete',
  path: '/api/agents/:clientId/api-keys/:keyId',
  aliases: ['/agents/:clientId/api-keys/:keyId'],
  access: 'task',
  summary: 'Revoke an API key, and every task that it opened: for the agent itself or an administrator.',
  tags,
  params: ofKey,
  returns: {
    status: 200,
    body: z.object({ key: ApiKeyRow, revoked_tasks: z.int(), revoked_tokens: z.int() }),
  },
});

/** The API keys of one agent. */
export function apiKeyRoutes(context: AppContext, guessing: Guessing): BoundRoute[] {
  const { clock } = context;
  return [
    route(create, async ({ params: { clientId }, body, caller, ctx }) => {
      const { name, expires_in: expiresIn = null } = body;
      const proof = await proofOf({ body, caller, ctx });
      const { value, key } = await createApiKey(context, { caller, clientId, proof, name, expiresIn });
      return { api_key: value, key: apiKeyRow(key, clock.now()) };
    }),
    route(list, async ({ params: { clientId }, query, caller }) => {
      const visitor = visitorOf(caller, 'admin:read');
      const found = await listApiKeys(context, { clientId, visitor, page: pageOf(query) });
      return listAnswer('api_keys', found, (key) => apiKeyRow(key, clock.now()));
    }),
    route(rotate, async ({ params: { clientId, keyId }, body, caller, ctx }) => {
      const proof = await proofOf({ body, caller, ctx });
      const { immediate } = body;
      const rotated = await rotateApiKey(context, { caller, clientId, keyId, proof, immediate });
      const now = clock.now();
      return {
        api_key: rotated.value,
        key: apiKeyRow(rotated.key, now),
        replaced: apiKeyRow(rotated.replaced, now),
        old_key_expires_at: iso(rotated.replaced.expiresAt ?? now),
      };
    }),
    route(revoke, async ({ params: { clientId, keyId }, caller }) => {
      const visitor = visitorOf(caller, 'admin:write');
      const { key, ended } = await revokeApiKey(context, { caller, clientId, keyId, visitor });
      return {
        key: apiKeyRow(key, clock.now()),
        revoked_tasks: ended.tasks,
        revoked_tokens: ended.tokens,
      };
    }),
  ];

  async function proofOf({ body, caller, ctx }: Proving): Promise<KeyProof> {
    if (caller.administers('admin:write')) return 'administrator';
    const { bearer } = caller;
    const { code_verifier: verifier, api_key: value } = body;
    const shown = { bearer, codeVerifier: verifier, keyThumbprint: ctx.state.keyThumbprint };
    if (value === undefined) return { ...shown, apiKey: undefined };
    const key = await guessing(ctx, bearer.token.clientId, async () => {
      const found = await authenticateApiKey(context, value, bearer.token.clientId);
      return found.agent ? { proven: found.key } : { refused: apiKeyRefused(found) };
    });
    return { ...shown, apiKey: key };
  }
}

interface Proving {
  readonly body: { readonly code_verifier?: string | undefined; readonly api_key?: string | undefined };
  readonly caller: BearerCaller;
  readonly ctx: RequestContext;
}
