import { z } from 'zod';
import type { Json } from './api-description.ts';

/** Schemas that have a name, as operations came upon them. */
export type NamedSchemas = Record<string, Json>;

/**
 * A zod schema in JSON Schema. What has an `id` in its metadata goes to `named`, and stands here as a reference.
 * `input`: what may be sent, `output`: what is answered.
 */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output', named: NamedSchemas): Json {
  const options = { io, unrepresentable: 'any', override: keepDefault } as const;
  const { $schema: _, $defs: found = {}, ...rest } = z.toJSONSchema(schema, options);
  for (const [name, definition] of Object.entries(found)) named[name] = referring(definition) as Json;
  return referring(rest) as Json;
}

interface Overridden {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: Record<string, unknown>;
}

/** What is taken where nothing is sent: zod leaves it out of what may be sent, where that is not what is received. */
function keepDefault({ zodSchema, jsonSchema }: Overridden): void {
  const { def } = zodSchema._zod;
  if (def.type === 'default') jsonSchema['default'] = def.defaultValue;
}

const LOCAL = '#/$defs/';

/** Definitions stand among the components of the document, not within each schema. */
function referring(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referring);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === '$ref' && String(member).startsWith(LOCAL)
        ? `#/components/schemas/${String(member).slice(LOCAL.length)}`
        : referring(member),
    ]),
  );
}

/** `GET /api/agents/{clientId}` is `getApiAgentsClientId`. */
export function operationId(method: string, path: string): string {
  return `${method}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`;
}
