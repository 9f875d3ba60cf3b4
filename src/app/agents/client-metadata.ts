import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { checkRedirectUris, isNative } from './redirect-uris.ts';

const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const GRANT_TYPES = [
  'authorization_code',
  'client_credentials',
  'refresh_token',
  TOKEN_EXCHANGE_GRANT,
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

export const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** What a registration may say about the OAuth client (RFC 7591 §2). Absent members get defaults. */
export interface ClientRequest {
  readonly redirectUris?: readonly string[] | undefined;
  readonly grantTypes?: readonly GrantType[] | undefined;
  readonly authMethod?: AuthMethod | undefined;
  /** Public keys for `private_key_jwt`. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined;
  readonly dpopBound?: boolean | undefined;
}

/** RFC 7518 §6: members that only a private or symmetric key has. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** RFC 7518 §6, RFC 8037 §2: what a public key of its type cannot be without. Other types are not looked at. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};
const MAX_KEYS = 10;

/**
 * Client metadata in the names of RFC 7591, complete, so that no engine default ever fills a gap. `scope` is not
 * among it: it would be a second truth beside the agent's permissions.
 * @throws DomainError `parameter_invalid` for combinations that would be unsafe or could never work.
 */
export function buildClientMetadata(name: string, request: ClientRequest): Record<string, unknown> {
  const authMethod = request.authMethod ?? 'client_secret_basic';
  const redirectUris = checkRedirectUris(request.redirectUris ?? []);
  const grantTypes = [...new Set(request.grantTypes ?? defaultGrantTypes(authMethod, redirectUris))];
  requireUsable(grantTypes, authMethod, redirectUris);
  requireKeys(authMethod, request.jwks);
  return {
    client_name: name,
    grant_types: grantTypes,
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: authMethod,
    redirect_uris: redirectUris,
    application_type: isNative(redirectUris) ? 'native' : 'web',
    ...(request.jwks ? { jwks: request.jwks } : {}),
    ...(request.dpopBound ? { dpop_bound_access_tokens: true } : {}),
  };
}

/** Whether the client authenticates with a secret that this server issued. */
export function hasSecret({ metadata }: Pick<Agent, 'metadata'>): boolean {
  return !['none', 'private_key_jwt'].includes(String(metadata.token_endpoint_auth_method));
}

function defaultGrantTypes(authMethod: AuthMethod, redirectUris: readonly string[]): readonly GrantType[] {
  const people: GrantType[] = redirectUris.length > 0 ? ['authorization_code', 'refresh_token'] : [];
  // A public client has nothing that client_credentials could rest on.
  return authMethod === 'none' ? people : ['client_credentials', TOKEN_EXCHANGE_GRANT, ...people];
}

function requireUsable(
  grantTypes: GrantType[],
  authMethod: AuthMethod,
  redirectUris: readonly string[],
): void {
  if (authMethod === 'none' && grantTypes.includes('client_credentials')) {
    throw invalid(
      'client_credentials needs client authentication: token_endpoint_auth_method cannot be none',
    );
  }
  if (grantTypes.includes('authorization_code') !== redirectUris.length > 0) {
    throw invalid('redirect_uris and the authorization_code grant belong together: register both or neither');
  }
  if (grantTypes.length === 0) throw invalid('grant_types must name at least one grant');
}

function requireKeys(authMethod: AuthMethod, jwks: ClientRequest['jwks']): void {
  if (authMethod === 'private_key_jwt' && !jwks?.keys.length) {
    throw invalid('private_key_jwt needs the public keys in jwks');
  }
  checkKeys(jwks?.keys ?? []);
}

/**
 * Keys as the engine takes them, which has no other word for a client with malformed ones than that it is invalid, each
 * time that it authenticates.
 * @throws DomainError `parameter_invalid`.
 */
export function checkKeys(keys: readonly Readonly<Record<string, unknown>>[]): void {
  if (keys.length > MAX_KEYS) throw invalid(`jwks may hold at most ${MAX_KEYS} keys`);
  if (keys.some((key) => PRIVATE_MEMBERS.some((member) => member in key))) {
    throw invalid('jwks must hold public keys only');
  }
  if (!keys.every(isWhole))
    throw invalid('jwks holds a key that lacks something, or has a member of another type');
}

function isWhole(key: Readonly<Record<string, unknown>>): boolean {
  const { kty, x5c = [] } = key;
  const needed = typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : [];
  const given = ['alg', 'kid', 'use'].filter((name) => key[name] !== undefined);
  return ['kty', ...(needed ?? []), ...given].every((name) => isText(key[name])) && isChain(x5c);
}

function isChain(x5c: unknown): boolean {
  return Array.isArray(x5c) && x5c.every(isText);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function invalid(message: string): DomainError {
  return new DomainError('parameter_invalid', message);
}
