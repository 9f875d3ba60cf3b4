import type { z } from 'zod';
import type { Json } from '../../app/description/api-description.ts';
import { headersOf, refusalHeaders } from '../../app/description/header-fields.ts';
import { type NamedSchemas, operationId, schemaOf } from '../../app/description/schema.ts';
import type { Access } from '../caller.ts';
import type { Contract } from '../contract.ts';
import { titleOf } from '../errors.ts';

/** What a declared route looks like from outside, at one of its paths. */
export function operationOf(declared: Contract, path: string, named: NamedSchemas): Json {
  return {
    operationId: operationId(declared.method, path),
    summary: declared.summary,
    ...(declared.description === undefined ? {} : { description: declared.description }),
    tags: declared.tags,
    security: securityOf(declared.access),
    parameters: [
      ...parametersOf('path', declared.params, named),
      ...parametersOf('query', declared.query, named),
      ...(declared.headers ? parametersOf('header', declared.headers, named) : []),
      ...(declared.creates ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ],
    ...(declared.body ? { requestBody: requestBody(declared.body, named) } : {}),
    responses: { ...success(declared, named), ...refusals(declared) },
  };
}

function success({ returns, creates }: Contract, named: NamedSchemas): Json {
  const { status, body, type = 'application/json' } = returns;
  const content = body ? { content: { [type]: { schema: schemaOf(body, 'output', named) } } } : {};
  const headers = creates ? headersOf('Idempotent-Replayed') : headersOf();
  return { [status]: { description: status === 204 ? 'Done.' : 'The answer.', headers, ...content } };
}

/** What a route of this kind may refuse, and what it declares besides. */
function refusals({ method, path, body, creates, access, refuses = {} }: Contract): Json {
  const reads = method === 'get';
  const statuses = [
    400,
    // A proof of possession that is wrong is refused wherever it is sent.
    401,
    ...(access === 'anonymous' && !body ? [] : [403]),
    ...(path.includes(':') || body || access !== 'anonymous' ? [404] : []),
    ...(reads ? [] : [409]),
    ...(body ? [413, 415] : []),
    ...(creates ? [422] : []),
    429,
    500,
    503,
  ];
  const own = Object.entries(refuses).map(([status, meaning]): [number, Json] => [
    Number(status),
    problemAnswer(Number(status), meaning),
  ]);
  const all = new Map([...statuses.map((status): [number, Json] => [status, refusalOf(status)]), ...own]);
  return Object.fromEntries([...all].sort(([a], [b]) => a - b));
}

/** The refusals that many routes have in common, by the names by which `refusalOf` refers to them. */
export const commonRefusals: Readonly<Record<string, Json>> = Object.fromEntries(
  [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503].map((status) => [
    `Problem${status}`,
    problemAnswer(status, `${titleOf(status)}.`),
  ]),
);

export function refusalOf(status: number): Json {
  return { $ref: `#/components/responses/Problem${status}` };
}

/** Problem details with the fields that belong to a status. */
function problemAnswer(status: number, description: string): Json {
  return {
    description,
    headers: refusalHeaders(status),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function securityOf(access: Access): Json[] {
  switch (access) {
    case 'anonymous':
      return [];
    case 'optional':
      return [{}, { bearer: [] }, { administration: [] }];
    case 'task':
      return [{ bearer: [] }, { administration: [] }];
    case 'example':
      return [{ bearer: [] }];
    case 'follower':
      return [{ client: [] }, { administration: ['admin:read'] }];
    case 'admin:read':
    case 'admin:write':
      return [{ administration: [access] }];
  }
}

function requestBody(body: z.ZodType, named: NamedSchemas): Json {
  const schema = schemaOf(body, 'input', named);
  return {
    required: Array.isArray(schema['required']) && schema['required'].length > 0,
    content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
  };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: z.ZodType, named: NamedSchemas): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input', named) as {
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
