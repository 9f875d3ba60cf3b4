import { z } from 'zod';
import { REASON_MAX } from '../../domain/ids.ts';
import { SHOWN_TEXT } from '../../domain/shown-text.ts';
import { TOKEN_EXCHANGE } from '../grants/token-exchange.ts';

const text = z.string();
/** Repeated in a form, a list in JSON. */
const list = z.union([text, z.array(text)]);
const number = z.coerce.number().int();

/** What any request may carry that asks for a task (docs/pkce-on-client-credentials.md, design of the simple form). */
const task = {
  task_id: text.optional(),
  task_description: text.max(500).optional(),
  parent_task_id: text.optional().meta({ description: 'A cross-check of the parent token.' }),
  delegates: list.optional().meta({ description: 'Clients that may derive children.' }),
  required_tools: list.optional(),
  required_resources: list.optional(),
  task_expires_in: number.optional().meta({ description: 'Seconds.' }),
  max_depth: number.optional(),
  max_children: number.optional(),
  authorization_details: z.unknown().optional().meta({ description: 'RFC 9396, of the type agent_task.' }),
};
const challenge = {
  code_challenge: text
    .optional()
    .meta({ description: 'RFC 7636. Needed for a root task of client_credentials.' }),
  code_challenge_method: z.literal('S256').optional(),
};
/** A client may send its credentials here instead of the Authorization field. */
const credentials = {
  client_id: text.optional(),
  client_secret: text.optional().meta({ format: 'password' }),
  client_assertion: text.optional().meta({
    description: 'RFC 7523: works once, for the issuer as its only audience, and ends within an hour.',
  }),
  client_assertion_type: text.optional(),
};

export const TokenRequest = z.object({
  grant_type: z
    .enum(['client_credentials', 'authorization_code', 'refresh_token', TOKEN_EXCHANGE])
    .meta({ examples: ['client_credentials'] }),
  scope: text.optional(),
  resource: list.optional().meta({ description: 'Audience (RFC 8707).' }),
  ...challenge,
  code_verifier: text
    .optional()
    .meta({ description: 'Answers the challenge of the task or of the parent’s.' }),
  parent_token: text.optional().meta({ description: 'client_credentials: derive a child of its task.' }),
  code: text.optional(),
  redirect_uri: text.optional(),
  refresh_token: text.optional(),
  subject_token: text.optional().meta({ description: 'Token exchange: the parent.' }),
  subject_token_type: text.optional(),
  actor_token: text.optional(),
  actor_token_type: text.optional(),
  requested_token_type: text.optional(),
  audience: list.optional(),
  delegate_to: text
    .optional()
    .meta({ description: 'Token exchange: make a hand-off token for this client.' }),
  ...task,
  ...credentials,
});

const authorization = {
  response_type: z.literal('code'),
  redirect_uri: text.optional(),
  scope: text.optional(),
  state: text.optional(),
  nonce: text.optional(),
  code_challenge: text,
  code_challenge_method: z.literal('S256'),
  resource: list.optional(),
  ...task,
};

export const AuthorizationRequest = z.object({
  client_id: text,
  ...authorization,
  response_type: z.literal('code').optional(),
  code_challenge: text.optional(),
  code_challenge_method: z.literal('S256').optional(),
  request_uri: text.optional().meta({ description: 'Of a pushed request; the rest stands there then.' }),
});

export const PushedRequest = z.object({
  ...authorization,
  parent_token: text.optional(),
  ...credentials,
  code_verifier: text.optional().meta({ description: 'Of the parent’s task.' }),
});

export const IntrospectionRequest = z.object({
  token: text,
  token_type_hint: text.optional(),
  include_task_history: z.enum(['true', 'false']).optional(),
  include_children: z.enum(['true', 'false']).optional(),
  ...credentials,
});

export const VerificationRequest = IntrospectionRequest.extend({
  task_id: text.optional(),
  parent_task_id: text.optional(),
  parent_token: text.optional(),
  tool: text.optional(),
});

export const RevocationRequest = z.object({
  token: text,
  token_type_hint: text.optional(),
  reason: text.max(REASON_MAX).regex(SHOWN_TEXT).optional(),
  revoke_children: z.enum(['true', 'false']).optional(),
  ...credentials,
});

/** RFC 7591 §2; members that are not named here are passed over. */
export const ClientMetadata = z.looseObject({
  client_name: text.optional(),
  redirect_uris: z.array(text).optional(),
  grant_types: z.array(text).optional(),
  response_types: z.array(text).optional(),
  token_endpoint_auth_method: text.optional(),
  scope: text.optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
});

export const ClientUpdate = ClientMetadata.extend({ client_id: text, client_secret: text.optional() });
