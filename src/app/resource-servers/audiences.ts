import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import type { Audience } from '../../domain/task-request.ts';
import type { AppContext } from '../context.ts';

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

/**
 * What is left of audiences that the request does not name itself: those of something that was issued before, or that
 * the agent may use. A resource server may have been deleted since; what was meant for the others goes on without it.
 * @throws DomainError `audience_unknown` when nothing of them is left.
 */
export async function stillRegistered(
  context: AppContext,
  audiences: readonly string[],
): Promise<Audience[]> {
  const found = await Promise.all(audiences.map((audience) => ownerOf(context, audience)));
  const left = found.filter((audience) => audience !== undefined);
  if (left.length === 0 && audiences.length > 0) throw unknown(audiences.join(' '));
  return left;
}

/**
 * What a request names itself; when it names nothing, what is left of `others`.
 * @throws DomainError `audience_unknown`, and what `others` throws.
 */
export async function namedOrLeft(
  context: AppContext,
  resources: readonly string[],
  others: () => readonly string[],
): Promise<Audience[]> {
  return resources.length > 0 ? resolveAudiences(context, resources) : stillRegistered(context, others());
}

/**
 * What a request means that names no resource (S12): the server's default audience, or for an agent that may not use
 * it what it may use.
 * @throws DomainError `audience_not_subset` for an agent that may use none.
 */
export function defaultAudiences(
  { settings }: Pick<AppContext, 'settings'>,
  { audiences }: Pick<Agent, 'audiences'>,
): readonly string[] {
  if (audiences === null || audiences.includes(settings.defaultAudience)) return [settings.defaultAudience];
  if (audiences.length === 0) throw new DomainError('audience_not_subset', 'the agent may use no audience');
  return audiences;
}

async function findAudience(context: AppContext, resource: string): Promise<Audience> {
  for (const spelling of spellings(resource)) {
    const found = await ownerOf(context, spelling);
    if (found) return found;
  }
  throw unknown(resource);
}

async function ownerOf({ store }: AppContext, audience: string): Promise<Audience | undefined> {
  const server = await store.resourceServers.byAudience(audience);
  return server && asAudience(server, audience);
}

function unknown(resources: string): DomainError {
  return new DomainError(
    'audience_unknown',
    `no resource server is registered for ${resources.slice(0, 200)}`,
  );
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
