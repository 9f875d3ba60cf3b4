import type { z } from 'zod';
import type { Json } from '../../app/description/api-description.ts';
import { headersOf, refusalHeaders } from '../../app/description/header-fields.ts';
import { type NamedSchemas, operationId, schemaOf } from '../../app/description/schema.ts';
import { OAuthError } from './answers.ts';

/** What an endpoint of the engine answers with a status: JSON, a page, a way to elsewhere, or nothing. */
export type EndpointAnswer = z.ZodType | { readonly type: string; readonly schema: z.ZodType } | Plain;
type Plain = 'page' | 'redirect' | 'nothing';

/** An endpoint of the engine or a page, as the description of the API shows it. */
export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With `{parameters}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: 'OAuth' | 'OAuth: clients' | 'OAuth: pages' | 'OAuth: metadata';
  readonly security: readonly ('client' | 'bearer' | 'none')[];
  readonly query?: z.ZodType;
  /** Sent as a form, or as JSON of the same members. */
  readonly form?: z.ZodType;
  readonly json?: z.ZodType;
  readonly creates?: boolean;
  readonly answers: Readonly<Record<number, EndpointAnswer>>;
  /** Statuses of refusals; told as a page where people are. */
  readonly refuses: readonly number[];
}

const MEANING: Readonly<Record<number, string>> = {
  400: 'The request is refused; `error` says why.',
  401: 'Authentication failed.',
  403: 'It is not permitted.',
  404: 'There is nothing here.',
  405: 'The method is not supported here.',
  409: 'What was asked about has changed meanwhile.',
  413: 'The request is too large.',
  422: 'The Idempotency-Key was used for another body, or a form was filled in wrongly.',
  429: 'Too many requests.',
  500: 'The server failed.',
  503: 'The server is busy, or its database does not answer.',
};

/** Endpoints that anybody may reach refuse these ways, whatever they do. */
const ALWAYS = [400, 429, 500, 503];

export function endpointOperation(endpoint: Endpoint, named: NamedSchemas): Json {
  const { method, path, summary, description, tag, security, creates, answers } = endpoint;
  return {
    operationId: operationId(method, path),
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: security.map((scheme) => (scheme === 'none' ? {} : { [scheme]: [] })),
    parameters: [
      ...pathParameters(path),
      ...(endpoint.query ? queryParameters(endpoint.query, named) : []),
      ...(creates ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ],
    ...requestBody(endpoint, named),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          answered(answer, creates ?? false, named),
        ]),
      ),
      ...refusals(endpoint),
    },
  };
}

function answered(answer: EndpointAnswer, creates: boolean, named: NamedSchemas): Json {
  const headers = creates ? headersOf('Idempotent-Replayed') : headersOf();
  switch (answer) {
    case 'nothing':
      return { description: 'Done.', headers };
    case 'redirect':
      return {
        description: 'Go on there.',
        headers: { ...headers, Location: { required: true, schema: { type: 'string' } } },
        content: { ...PAGE, ...TEXT },
      };
    case 'page':
      return { description: 'A page.', headers, content: PAGE };
    default: {
      const { type, schema } =
        'type' in answer && 'schema' in answer ? answer : { type: JSON_TYPE, schema: answer };
      return { description: 'The answer.', headers, content: contentOf(type, schema, named) };
    }
  }
}

const JSON_TYPE = 'application/json';
const PAGE = { 'text/html': { schema: { type: 'string' } } };
/** What Koa writes into a redirect for whoever does not accept a page. */
const TEXT = { 'text/plain': { schema: { type: 'string' } } };
const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

function contentOf(type: string, schema: z.ZodType, named: NamedSchemas): Json {
  return { [type]: { schema: schemaOf(schema, 'output', named) } };
}

function refusals({ refuses, tag }: Endpoint): Json {
  const kind = kindOf(tag);
  const statuses = [...new Set([...ALWAYS, ...refuses])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${kind}${status}` }]),
  );
}

const kindOf = (tag: Endpoint['tag']) => (tag === 'OAuth: pages' ? 'Page' : 'OAuth');

/** The refusals that endpoints refer to, by name. */
export function endpointRefusals(endpoints: readonly Endpoint[], named: NamedSchemas): Record<string, Json> {
  const found: Record<string, Json> = {};
  for (const { tag, refuses } of endpoints) {
    for (const status of [...ALWAYS, ...refuses]) {
      found[`${kindOf(tag)}${status}`] ??= refusal(tag, status, named);
    }
  }
  return found;
}

/** What fails outside the engine is told as everywhere else (RFC 9457). */
function refusal(tag: Endpoint['tag'], status: number, named: NamedSchemas): Json {
  return {
    description: MEANING[status] ?? 'Refused.',
    headers: refusalHeaders(status),
    content: {
      ...(tag === 'OAuth: pages' ? PAGE : {}),
      ...contentOf(JSON_TYPE, OAuthError, named),
      ...PROBLEM,
    },
  };
}

function requestBody({ form, json: body }: Endpoint, named: NamedSchemas): Json {
  const sent = form ?? body;
  if (!sent) return {};
  const schema = schemaOf(sent, 'input', named);
  const types = form ? ['application/x-www-form-urlencoded', 'application/json'] : ['application/json'];
  return {
    requestBody: { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType, named: NamedSchemas): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input', named) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}
