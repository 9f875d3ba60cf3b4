import { z } from 'zod';

const names = z.array(z.string());
const seconds = z.int();
const time = z.int().meta({ description: 'Seconds since the epoch.' });

/** RFC 6749 §5.2, RFC 7591 §3.2.2. */
export const OAuthError = z
  .object({
    error: z.string(),
    error_description: z.string().optional(),
    task_error: z.string().optional().meta({ description: 'What the task engine refused.' }),
    retry_after: seconds.optional(),
    scope: z.string().optional(),
    iss: z.string().optional(),
  })
  .meta({ id: 'OAuthError', description: 'An error of the OAuth standards.' });

const Ancestor = z.object({
  task: z.string(),
  via: z.string(),
  client: z.string(),
  grant: z.string(),
  epoch: z.int(),
});

const claim = {
  id: z.string(),
  handle: z.string(),
  grant: z.string(),
  epoch: z.int(),
  subject: z.object({ kind: z.enum(['user', 'agent']), epoch: z.int() }),
  root: z.string(),
  parent: z.object({ id: z.string(), depth: z.int() }).optional(),
  depth: z.int(),
  lineage: z.array(Ancestor).meta({ description: 'Root first.' }),
  expires_at: time,
};
const state = z.enum(['active', 'completed', 'failed', 'revoked', 'expired']);

const IssuedTask = z
  .object({
    ...claim,
    state,
    description: z.string(),
    audiences: names,
    delegates: names,
    max_depth: z.int(),
    max_children: z.int(),
    verifier_bound: z.boolean(),
    key_bound: z.boolean(),
  })
  .meta({ id: 'IssuedTask' });

const details = z.array(z.record(z.string(), z.unknown())).meta({ description: 'RFC 9396.' });

export const TokenResponse = z
  .object({
    access_token: z.string(),
    token_type: z.enum(['Bearer', 'DPoP']),
    expires_in: seconds,
    scope: z.string(),
    refresh_token: z.string().optional(),
    id_token: z.string().optional(),
    issued_token_type: z.string().optional(),
    authorization_details: details.optional(),
    token_id: z.string(),
    task_id: z.string(),
    parent_task_id: z.string().optional(),
    parent_token_id: z.string().optional(),
    granted_tools: names,
    granted_resources: names,
    task: IssuedTask,
  })
  .meta({ id: 'TokenResponse' });

const TaskSummary = z.object({
  task_id: z.string(),
  parent_task_id: z.string().nullable(),
  client_id: z.string(),
  scope: z.string(),
  state: z.string(),
  expires_at: time,
});

const TaskEvent = z.object({
  event_type: z.string(),
  timestamp: z.string().meta({ format: 'date-time' }),
  status: z.enum(['success', 'refused', 'error']),
  client_id: z.string().nullable(),
  token_id: z.string().nullable(),
  reason: z.string().nullable(),
});

export const Introspected = z
  .object({
    active: z.boolean(),
    iss: z.string().optional(),
    sub: z.string().optional(),
    aud: z.string().optional(),
    client_id: z.string().optional(),
    exp: time.optional(),
    iat: time.optional(),
    jti: z.string().optional(),
    scope: z.string().optional(),
    token_type: z.enum(['Bearer', 'DPoP']).optional(),
    txn: z.string().optional().meta({ description: 'The task at the top.' }),
    act: z.record(z.string(), z.unknown()).optional().meta({ description: 'Who acts (RFC 8693 §4.1).' }),
    cnf: z.object({ jkt: z.string() }).optional(),
    authorization_details: details.optional(),
    token_id: z.string().optional(),
    task_id: z.string().optional(),
    parent_task_id: z.string().optional(),
    parent_token_id: z.string().optional(),
    granted_tools: names.optional(),
    granted_resources: names.optional(),
    task: z.object({ ...claim, state, description: z.string() }).optional(),
    task_history: z.array(TaskEvent).optional(),
    task_chain: z.array(TaskSummary).optional(),
    children: z.array(TaskSummary).optional(),
  })
  .meta({
    id: 'Introspected',
    description: 'Nothing but `active: false` where the caller may know nothing.',
  });

export const Verified = z.object({
  is_valid: z.boolean(),
  task_context_valid: z.boolean(),
  parent_valid: z.boolean(),
  scope_inheritance_valid: z.boolean(),
  tool_access_valid: z.boolean().optional(),
  token_info: Introspected.optional(),
});

export const Revoked = z.object({
  revoked: z.boolean(),
  token_id: z.string().optional(),
  affected_child_tokens: z.int().optional(),
  affected_truncated: z.boolean().optional(),
});

export const Pushed = z.object({ request_uri: z.string(), expires_in: seconds });

/** RFC 7591 §2: registered metadata, whatever of it the client named. */
export const RegisteredClient = z
  .looseObject({
    client_id: z.string(),
    client_secret: z.string().optional().meta({ description: 'Shown when it is made, and never again.' }),
    registration_access_token: z.string().optional(),
    registration_client_uri: z.string().optional(),
    scope: z.string().optional(),
  })
  .meta({ id: 'RegisteredClient' });

export const UserInfo = z.looseObject({ sub: z.string() });

export const Jwks = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), use: z.literal('sig') })),
});

/** RFC 8414 §2, OpenID Connect Discovery §3, and what this server adds. */
export const Metadata = z
  .looseObject({
    issuer: z.string(),
    token_endpoint: z.string(),
    jwks_uri: z.string(),
    client_credentials_code_challenge_required: z.literal(true),
    task_parameters_supported: names,
  })
  .meta({ id: 'AuthorizationServerMetadata' });
