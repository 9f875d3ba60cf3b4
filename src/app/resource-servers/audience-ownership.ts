import { audienceFault, MOST_AUDIENCES, withoutSlash } from '../../domain/audience.ts';
import { DomainError } from '../../domain/errors.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import type { AppContext } from '../context.ts';

interface Claim {
  /** The resource server that wants the audiences. */
  readonly clientId: string;
  readonly audiences: readonly string[];
  /** Resource servers as they will be, in the same unit, when these audiences are taken. */
  readonly before?: ReadonlyMap<string, Pick<ResourceServer, 'audiences'>>;
}

/**
 * The audiences, if the resource server may own all of them. Each has one owner, whether written with a trailing
 * slash or without (T7); the server's own API and the issuer belong to the server (R13), else a resource server
 * could take administrators' tokens for its own.
 * @throws DomainError `parameter_invalid` for a malformed audience, `conflict` for one that belongs to another.
 */
export async function claimAudiences(
  { store, settings }: Pick<AppContext, 'store' | 'settings'>,
  { clientId, audiences, before = new Map() }: Claim,
): Promise<readonly string[]> {
  const distinct = audiences.map(checkAudience).filter(isFirst);
  if (distinct.length === 0 || distinct.length > MOST_AUDIENCES) {
    throw new DomainError('parameter_invalid', `audiences must name 1 to ${MOST_AUDIENCES} URIs`);
  }
  const reserved = [settings.adminAudience, settings.issuer].map(withoutSlash);
  for (const audience of distinct) {
    if (reserved.includes(withoutSlash(audience))) throw taken(audience);
    const stored = await Promise.all(spellings(audience).map((one) => store.resourceServers.byAudience(one)));
    const owners = stored.flatMap((owner) => (owner && !before.has(owner.clientId) ? [owner.clientId] : []));
    for (const [owner, { audiences: owned }] of before) {
      if (owned.some((one) => withoutSlash(one) === withoutSlash(audience))) owners.push(owner);
    }
    if (owners.some((owner) => owner !== clientId)) throw taken(audience);
  }
  return distinct;
}

function checkAudience(value: string): string {
  const fault = audienceFault(value);
  if (fault === undefined) return value;
  throw new DomainError('parameter_invalid', `audience ${fault}`, { audience: value.slice(0, 200) });
}

function spellings(audience: string): string[] {
  return [withoutSlash(audience), `${withoutSlash(audience)}/`];
}

function isFirst(audience: string, index: number, all: readonly string[]): boolean {
  return all.findIndex((other) => withoutSlash(other) === withoutSlash(audience)) === index;
}

function taken(audience: string): DomainError {
  return new DomainError('conflict', `${audience} belongs to another resource server`, { audience });
}
