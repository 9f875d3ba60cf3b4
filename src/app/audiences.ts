import { DomainError } from '../domain/errors.ts';
import type { ResourceServer } from '../domain/resource-server.ts';
import type { Audience } from '../domain/task-request.ts';
import type { AppContext } from './context.ts';

/**
 * The registered audiences that RFC 8707 `resource` values mean. A trailing slash makes no difference (clients send
 * it both ways); the result always carries the registered spelling.
 * @throws DomainError `audience_unknown`.
 */
export async function resolveAudiences(
  context: AppContext,
  resources: readonly string[],
): Promise<Audience[]> {
  const audiences = await Promise.all(resources.map((resource) => findAudience(context, resource)));
  return audiences.filter(
    (found, i) => audiences.findIndex(({ audience }) => audience === found.audience) === i,
  );
}

/** The audience of requests that name none (S12). */
export async function defaultAudience(context: AppContext): Promise<Audience> {
  return findAudience(context, context.settings.defaultAudience);
}

async function findAudience(context: AppContext, resource: string): Promise<Audience> {
  for (const spelling of spellings(resource)) {
    const server = await context.store.resourceServers.byAudience(spelling);
    if (server) return asAudience(server, spelling);
  }
  throw new DomainError('audience_unknown', `no resource server is registered for ${resource.slice(0, 200)}`);
}

function asAudience(server: ResourceServer, audience: string): Audience {
  return { audience, scopes: server.scopes, tokenFormat: server.tokenFormat };
}

function spellings(resource: string): string[] {
  const parsed = URL.parse(resource);
  if (!parsed || resource.includes('#') || resource.length > 2048) {
    throw new DomainError(
      'audience_unknown',
      'resource must be an absolute URI without a fragment (RFC 8707 section 2)',
    );
  }
  const other = resource.endsWith('/') ? resource.replace(/\/+$/, '') : `${resource}/`;
  return [resource, other];
}
