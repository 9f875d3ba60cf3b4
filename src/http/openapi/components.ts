import type { ApiDescription, Json } from '../../app/description/api-description.ts';

/** RFC 9457, as errors.ts makes them. Further members say more about what was refused. */
const problem = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'What was refused; the same for every occurrence.' },
    request_id: { type: 'string' },
    faults: {
      type: 'array',
      description: 'Each fault of a request that does not have the described form.',
      items: {
        type: 'object',
        required: ['in', 'path', 'message'],
        properties: { in: { type: 'string' }, path: { type: 'string' }, message: { type: 'string' } },
        additionalProperties: false,
      },
    },
    retry_after: { type: 'integer', minimum: 1, description: 'Seconds.' },
    policy: { description: 'The limit that was reached, or the policy that refuses.' },
  },
};

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A random value of yours, best a UUID. The same request with the same key creates nothing again: it gets the ' +
    'first answer, with Idempotent-Replayed: true.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const count = { type: 'integer', minimum: 0 };
const seconds = { type: 'integer', minimum: 1 };

/** Fields of answers. Those about limits are absent where nothing is counted. */
const headers = {
  'X-Request-ID': {
    required: true,
    description: 'By this the logs and the audit trail know the request.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
  },
  'RateLimit-Policy': {
    description: 'Each limit that the request counted against: q requests in w seconds.',
    schema: { type: 'string' },
  },
  RateLimit: {
    description: 'What is left of each of them: r requests, more in t seconds.',
    schema: { type: 'string' },
  },
  'X-RateLimit-Limit': { description: 'The tightest of these limits.', schema: count },
  'X-RateLimit-Remaining': { description: 'What is left of it.', schema: count },
  'X-RateLimit-Reset': { description: 'When it begins anew: seconds since the epoch.', schema: count },
  'Retry-After': { required: true, description: 'Seconds.', schema: seconds },
  'WWW-Authenticate': {
    description: 'What to bring (RFC 6750, RFC 9449).',
    schema: { type: 'string' },
  },
  'Idempotent-Replayed': {
    description: 'The answer was given before.',
    schema: { type: 'string', const: 'true' },
  },
};

const security = (issuer: string) => ({
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'A live access token of a task; one that is bound to a key comes with a DPoP proof (RFC 9449).',
  },
  administration: {
    type: 'oauth2',
    description:
      'A token for the administration API, got with the id and secret of an administrator’s client, as taskgrant-admin. ' +
      'This page sends the code_challenge that a client_credentials request needs.',
    flows: {
      clientCredentials: {
        // The paths of the server are at the root of its host, whatever path the issuer has.
        tokenUrl: new URL('/api/oauth/token', issuer).href,
        // What the page at /docs asks for with these scopes (RFC 8707).
        'x-resource': `${issuer}/api`,
        scopes: { 'admin:read': 'See everything.', 'admin:write': 'Change and revoke.' },
      },
    },
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description:
      'A client’s id and secret (RFC 6749 §2.3.1). They may stand in the form instead; clients with keys send a ' +
      'client_assertion (RFC 7523).',
  },
});

export function components(
  issuer: string,
  { schemas, responses }: Pick<ApiDescription, 'schemas' | 'responses'>,
): Json {
  return {
    schemas: { Problem: problem, ...schemas },
    responses,
    headers,
    parameters: { IdempotencyKey: idempotencyKey },
    securitySchemes: security(issuer),
  };
}
