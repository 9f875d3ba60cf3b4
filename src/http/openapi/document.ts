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
    servers: [{ url: issuer }],
    paths,
    components: components(issuer, { schemas, responses }),
  };
}

const declared = contract({
  method: 'get',
  path: '/openapi.json',
  access: 'anonymous',
  summary: 'This description.',
  tags: ['Server'],
  returns: { status: 200, body: z.record(z.string(), z.unknown()) },
});

/** `GET /openapi.json` about the given API and itself; built at the first request. */
export function openapiRoute(api: DescribedApi): BoundRoute & { readonly document: () => Json } {
  let made: Json | undefined;
  const document = () => (made ??= describeApi({ ...api, contracts: [...api.contracts, declared] }));
  return { ...route(declared, document), document };
}
