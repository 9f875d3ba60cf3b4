import { z } from 'zod';
import type { ApiDescription, Json } from '../../app/description/api-description.ts';
import { type BoundRoute, type Contract, contract, route } from '../contract.ts';
import { components } from './components.ts';
import { commonRefusals, operationOf } from './operation.ts';
import type { NamedSchemas } from '../../app/description/schema.ts';

const DESCRIPTION =
  'An OAuth 2.1 authorization server for AI agents: every token belongs to a task, every task knows its parent, and ' +
  'one revocation ends everything below it. Clients find the OAuth endpoints by their metadata, ' +
  '/.well-known/oauth-authorization-server.';

interface DescribedApi {
  readonly contracts: readonly Contract[];
  /** What is no route of ours: the OAuth endpoints, pages. */
  readonly others: () => readonly ApiDescription[];
  readonly issuer: string;
  /** Of the product. */
  readonly version: string;
}

/** The whole API as one OpenAPI 3.1 document. */
function describeApi({ contracts, others, issuer, version }: DescribedApi): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const schemas: NamedSchemas = {};
  for (const declared of contracts) {
    for (const path of [declared.path, ...declared.aliases]) {
      const item = (paths[path.replace(/:(\w+)/g, '{$1}')] ??= {});
      item[declared.method] = operationOf(declared, path, schemas);
    }
  }
  const responses = { ...commonRefusals };
  for (const other of others()) {
    Object.assign(schemas, other.schemas);
    Object.assign(responses, other.responses);
    for (const [path, methods] of Object.entries(other.paths)) Object.assign((paths[path] ??= {}), methods);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Taskgrant', version, description: DESCRIPTION },
    servers: [{ url: new URL(issuer).origin }],
    paths,
    components: components(issuer, { schemas, responses }),
  };
}

/** JSON in bytes, the same ones for all who ask: what clients have not read yet is in memory once. */
const Document = z
  .custom<Buffer>()
  .meta({ type: 'object', propertyNames: { type: 'string' }, additionalProperties: {} });

const declared = contract({
  method: 'get',
  path: '/openapi.json',
  access: 'anonymous',
  summary: 'This description.',
  tags: ['Server'],
  returns: { status: 200, type: 'application/json', body: Document },
});

/** `GET /openapi.json` about the given API and itself; built at the first request. */
export function openapiRoute(api: DescribedApi): BoundRoute & { readonly document: () => Json } {
  let made: { readonly document: Json; readonly bytes: Buffer } | undefined;
  const make = () => {
    const document = describeApi({ ...api, contracts: [...api.contracts, declared] });
    return { document, bytes: Buffer.from(JSON.stringify(document)) };
  };
  const kept = () => (made ??= make());
  return { ...route(declared, () => kept().bytes), document: () => kept().document };
}
