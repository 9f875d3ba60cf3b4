import { z } from 'zod';
import type { Access } from './caller.ts';
import { type BoundRoute, type Contract, contract, route } from './contract.ts';

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION =
  'Administration, tasks and agents. The OAuth endpoints themselves are described by their metadata, ' +
  '/.well-known/oauth-authorization-server.';

const problemSchema = {
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
      items: {
        type: 'object',
        properties: { in: { type: 'string' }, path: { type: 'string' }, message: { type: 'string' } },
      },
    },
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

/** The declared routes as one OpenAPI 3.1 document. */
function describeApi(contracts: readonly Contract[], about: { issuer: string; version: string }): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const declared of contracts) {
    for (const path of [declared.path, ...declared.aliases]) {
      const item = (paths[path.replace(/:(\w+)/g, '{$1}')] ??= {});
      item[declared.method] = operation(declared, path);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Taskgrant', version: about.version, description: DESCRIPTION },
    servers: [{ url: about.issuer }],
    paths,
    components: {
      schemas: { Problem: problemSchema },
      parameters: { IdempotencyKey: idempotencyKey },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A live access token of a task.' },
        resourceServer: {
          type: 'http',
          scheme: 'basic',
          description: 'Client id and secret of a resource server.',
        },
        administration: {
          type: 'oauth2',
          flows: {
            clientCredentials: {
              tokenUrl: `${about.issuer}/api/oauth/token`,
              scopes: { 'admin:read': 'See everything.', 'admin:write': 'Change and revoke.' },
            },
          },
        },
      },
    },
  };
}

/** `GET /openapi.json` for the given routes; built at the first request. */
export function openapiRoute(
  routes: readonly BoundRoute[],
  about: { issuer: string; version: string },
): BoundRoute {
  const declared = contract({
    method: 'get',
    path: '/openapi.json',
    access: 'anonymous',
    summary: 'This description.',
    tags: ['Server'],
    returns: { status: 200, body: z.record(z.string(), z.unknown()) },
  });
  let document: Json | undefined;
  return route(
    declared,
    () => (document ??= describeApi([...routes.map((bound) => bound.contract), declared], about)),
  );
}

function operation(declared: Contract, path: string): Json {
  const { status, body, type = 'application/json' } = declared.returns;
  const answer = body ? { content: { [type]: { schema: schemaOf(body, 'output') } } } : {};
  return {
    operationId: `${declared.method}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: declared.summary,
    ...(declared.description === undefined ? {} : { description: declared.description }),
    tags: declared.tags,
    security: securityOf(declared.access),
    parameters: [
      ...parametersOf('path', declared.params),
      ...parametersOf('query', declared.query),
      ...(declared.creates ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ],
    ...(declared.body ? { requestBody: requestBody(declared.body) } : {}),
    responses: {
      [status]: { description: status === 204 ? 'Done.' : 'The answer.', ...answer },
      default: {
        description: 'The request was refused.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function securityOf(access: Access): Json[] {
  switch (access) {
    case 'anonymous':
      return [];
    case 'optional':
      return [{}, { bearer: [] }];
    case 'task':
    case 'example':
      return [{ bearer: [] }];
    case 'follower':
      return [{ resourceServer: [] }, { administration: ['admin:read'] }];
    case 'admin:read':
    case 'admin:write':
      return [{ administration: [access] }];
  }
}

function requestBody(body: z.ZodType): Json {
  const schema = schemaOf(body, 'input');
  return {
    required: Array.isArray(schema['required']) && schema['required'].length > 0,
    content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
  };
}

function parametersOf(place: 'path' | 'query', schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
