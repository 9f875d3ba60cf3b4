import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Middleware } from 'koa';

/** An answer as it leaves the server. */
interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>;
  readonly body: unknown;
}

interface Header {
  readonly required?: boolean;
  readonly schema: object;
}

interface Described {
  readonly headers?: Readonly<Record<string, { $ref: string } | Header>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

type Responses = Readonly<Record<string, Described | { readonly $ref: string }>>;
type Operations = Readonly<Record<string, { readonly responses: Responses }>>;

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Operations>>;
  readonly components: {
    readonly headers: Readonly<Record<string, Header>>;
    readonly responses?: Readonly<Record<string, Described>>;
    readonly schemas: object;
  };
}

/** Says what of an answer the document does not describe; nothing when all is well. */
export type Check = (answer: Answer) => readonly string[];

/** Those that the document uses; another one is an error. */
const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  uri: (value: string) => URL.canParse(value),
  password: true,
} as const;

const DOCUMENT = 'https://api.example/document';

/** Checks answers against an OpenAPI document: path, method, status, header fields, content type and body. */
export function describedBy(document: ApiDocument): Check {
  // That they are schemas is for test/docs/openapi.test.ts to say: to learn it takes longer than most suites do.
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    formats: FORMATS,
    meta: false,
    validateSchema: false,
  });
  ajv.addSchema({ $id: DOCUMENT, components: document.components });
  const compiled = new Map<object, ValidateFunction>();
  const validate = (schema: object, value: unknown): string[] => {
    let check = compiled.get(schema);
    if (!check) compiled.set(schema, (check = ajv.compile(absolute(schema) as object)));
    return check(value)
      ? []
      : (check.errors ?? []).map(
          ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
        );
  };
  const find = finder(document);

  const checkHeaders = (headers: Described['headers'], sent: Answer['headers']): string[] =>
    Object.entries(headers ?? {}).flatMap(([name, given]) => {
      const header = '$ref' in given ? document.components.headers[last(given.$ref)] : given;
      const value = sent[name.toLowerCase()];
      if (!header) return [`${name} is not among the components`];
      if (value === undefined) return header.required ? [`${name} is missing`] : [];
      const { type } = header.schema as { type?: string };
      return validate(header.schema, type === 'integer' ? Number(value) : String(value)).map(
        (fault) => `${name}:${fault}`,
      );
    });

  const checkBody = ({ content }: Described, { method, headers, body }: Answer): string[] => {
    const type = String(headers['content-type'] ?? '').split(';')[0] ?? '';
    const empty = body === undefined || body === null || body === '';
    if (!content) return empty ? [] : [`has a body of ${type}, none is described`];
    if (method === 'HEAD') return [];
    const described = content[type];
    if (!described) return [`its type is ${type || 'missing'}, not ${Object.keys(content).join(' or ')}`];
    return type.endsWith('json') ? validate(described.schema, plain(body)) : [];
  };

  return (answer) => {
    const { method, path, status } = answer;
    if (method === 'OPTIONS') return [];
    const found = find(path);
    const operation = found?.operations[method === 'HEAD' ? 'get' : method.toLowerCase()];
    const where = `${method} ${found?.template ?? path} ${status}`;
    const named = operation ? operation.responses[status] : undescribed(status);
    const described = named && '$ref' in named ? document.components.responses?.[last(named.$ref)] : named;
    if (!described) return [`${where}: it is not described`];
    return [...checkHeaders(described.headers, answer.headers), ...checkBody(described, answer)].map(
      (fault) => `${where}: ${fault}`,
    );
  };
}

const REFUSAL: Described = {
  headers: { 'X-Request-ID': { $ref: '#/components/headers/X-Request-ID' } },
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    'application/json': { schema: { $ref: '#/components/schemas/OAuthError' } },
    'text/html': { schema: {} },
  },
};

/** Where nothing is, no more than that is said. */
function undescribed(status: number): Described | undefined {
  return [400, 401, 404, 405, 429, 500, 503].includes(status) ? REFUSAL : undefined;
}

function last(reference: string): string {
  return reference.split('/').at(-1) ?? '';
}

/** References of the document, as they are resolved outside of it. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === '$ref' && typeof member === 'string' ? `${DOCUMENT}${member}` : absolute(member),
    ]),
  );
}

function finder({ paths }: ApiDocument) {
  const patterns = Object.entries(paths)
    .filter(([template]) => template.includes('{'))
    .map(([template, operations]) => ({
      template,
      operations,
      pattern: new RegExp(`^${template.replace(/[.]/g, '[.]').replace(/\{\w+\}/g, '[^/]+')}$`),
    }));
  return (path: string) => {
    const operations = paths[path];
    return operations ? { template: path, operations } : patterns.find(({ pattern }) => pattern.test(path));
  };
}

function plain(body: unknown): unknown {
  if (Buffer.isBuffer(body) || typeof body === 'string') return JSON.parse(String(body));
  return JSON.parse(JSON.stringify(body));
}

const MOST = 20;

interface Checking {
  /** Goes before everything else that an application does. */
  readonly middleware: Middleware;
  /** @throws Error that names every kind of answer that was not as the document describes it. */
  finish(): void;
}

/** Holds every answer of an application to its own description, for as long as a suite runs. */
export function holdToDescription(describe: () => unknown): Checking {
  const faults = new Set<string>();
  let check: Check | undefined;
  return {
    async middleware(ctx, next) {
      const { method } = ctx;
      // The engine and the routes see other paths on the way. Some targets have none.
      const path = URL.canParse(ctx.url, 'http://a') ? ctx.path : '/';
      await next();
      if (ctx.respond === false || faults.size >= MOST) return;
      const { status, body } = ctx;
      try {
        check ??= describedBy(describe() as ApiDocument);
        const found = check({ method, path, status, headers: ctx.response.headers, body });
        for (const fault of found) faults.add(fault);
      } catch (error) {
        faults.add(`${method} ${path} ${status}: it could not be checked: ${String(error)}`);
      }
    },
    finish() {
      if (faults.size > 0) {
        throw new Error(
          `answers that the description of the API does not describe:\n${[...faults].join('\n')}`,
        );
      }
    },
  };
}
