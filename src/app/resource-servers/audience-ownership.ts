import { DomainError } from '../../domain/errors.ts';
import type { AppContext } from '../context.ts';

const MAX_AUDIENCES = 20;
const MAX_LENGTH = 500;
const SCHEMES = new Set(['https:', 'http:', 'urn:']);

interface Claim {
  /** The resource server that wants the audiences. */
  readonly clientId: string;
  readonly audiences: readonly string[];
}

/**
 * The audiences, if the resource server may own all of them. Each has one owner, whether written with a trailing
 * slash or without (T7); the server's own API and the issuer belong to the server (R13), else a resource server
 * could take administrators' tokens for its own.
 * @throws DomainError `parameter_invalid` for a malformed audience, `conflict` for one that belongs to another.
 */
export async function claimAudiences(
  { store, settings }: Pick<AppContext, 'store' | 'settings'>,
  { clientId, audiences }: Claim,
): Promise<readonly string[]> {
  const distinct = audiences.map(checkAudience).filter(isFirst);
  if (distinct.length === 0 || distinct.length > MAX_AUDIENCES) {
    throw new DomainError('parameter_invalid', `audiences must name 1 to ${MAX_AUDIENCES} URIs`);
  }
  const reserved = [settings.adminAudience, settings.issuer].map(withoutSlash);
  for (const audience of distinct) {
    if (reserved.includes(withoutSlash(audience))) throw taken(audience);
    const owners = await Promise.all(spellings(audience).map((one) => store.resourceServers.byAudience(one)));
    if (owners.some((owner) => owner && owner.clientId !== clientId)) throw taken(audience);
  }
  return distinct;
}

/** RFC 8707 §2: an absolute URI without fragment, in the one spelling that tokens will carry. */
function checkAudience(value: string): string {
  const parsed = URL.parse(value);
  if (!parsed || !SCHEMES.has(parsed.protocol) || value.length > MAX_LENGTH || /[#\s]/.test(value)) {
    throw invalid(value, 'must be an absolute http, https or urn URI without fragment');
  }
  if (parsed.username || parsed.password) throw invalid(value, 'must not hold credentials');
  if (withoutSlash(parsed.href) !== withoutSlash(value)) {
    throw invalid(value, `must be written as ${withoutSlash(parsed.href)}`);
  }
  return value;
}

function spellings(audience: string): string[] {
  return [withoutSlash(audience), `${withoutSlash(audience)}/`];
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/$/, '');
}

function isFirst(audience: string, index: number, all: readonly string[]): boolean {
  return all.findIndex((other) => withoutSlash(other) === withoutSlash(audience)) === index;
}

function invalid(audience: string, complaint: string): DomainError {
  return new DomainError('parameter_invalid', `audience ${complaint}`, { audience: audience.slice(0, 200) });
}

function taken(audience: string): DomainError {
  return new DomainError('conflict', `${audience} belongs to another resource server`, { audience });
}
