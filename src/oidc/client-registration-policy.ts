import { checkKeys } from '../app/agents/client-metadata.ts';
import { checkRedirectUris } from '../app/agents/redirect-uris.ts';
import { checkClientName } from '../app/display-text.ts';
import { DomainError } from '../domain/errors.ts';
import { inferApplicationType } from './application-type.ts';

/** A registration that is refused before the engine sees it. */
export class RegistrationRefusal extends Error {
  readonly status: number;
  readonly error: string;
  constructor(status: number, error: string, message: string) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

type Metadata = Record<string, unknown>;

/** The engine would fetch these: a registration must not make the server call out. */
const FETCHED = ['jwks_uri', 'sector_identifier_uri', 'request_uris'];
/** Written by the server only. */
const RESERVED = ['client_id', 'client_secret', 'client_id_issued_at', 'client_secret_expires_at'];

/**
 * What may be registered dynamically, beyond what the engine checks (RFC 7591 §2, RFC 8252, traps T1–T3, T11).
 * @throws RegistrationRefusal
 */
export function checkRegistration(metadata: Metadata): Metadata {
  const cleaned = Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => value !== '' && value !== null),
  );
  const fetched = FETCHED.find((name) => name in cleaned);
  if (fetched)
    throw refusal('invalid_client_metadata', `${fetched} is not supported: send keys by value in jwks`);
  const redirectUris = readRedirectUris(cleaned);
  checkNameAndKeys(cleaned);
  const isUpdate = 'client_id' in cleaned;
  if (!isUpdate) for (const name of RESERVED) delete cleaned[name];
  inferApplicationType(cleaned);
  const complete = { ...cleaned, ...grantDefaults(cleaned, redirectUris) };
  checkGrants(complete);
  return complete;
}

/** One rule for redirect URIs, whichever way a client is registered (app/redirect-uris.ts). */
function readRedirectUris({ redirect_uris: uris = [] }: Metadata): readonly string[] {
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    throw refusal('invalid_redirect_uri', 'redirect_uris must be a list of strings');
  }
  try {
    return checkRedirectUris(uris);
  } catch (error) {
    if (error instanceof DomainError) throw refusal('invalid_redirect_uri', error.message);
    throw error;
  }
}

/**
 * The rules of every registration: the name is shown to whoever is asked for consent. What is no text or no list of keys
 * the engine refuses.
 */
function checkNameAndKeys({ client_name: name, jwks }: Metadata): void {
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  try {
    if (typeof name === 'string') checkClientName(name);
    if (Array.isArray(keys) && keys.every(isObject)) checkKeys(keys);
  } catch (error) {
    throw error instanceof DomainError ? refusal('invalid_client_metadata', error.message) : error;
  }
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null;
}

/** A public client has no credential to get a token with (RFC 6749 §4.4). */
function checkGrants(metadata: Metadata): void {
  const grants = metadata.grant_types;
  if (metadata.token_endpoint_auth_method !== 'none' || !Array.isArray(grants)) return;
  if (grants.includes('client_credentials')) {
    throw refusal('invalid_client_metadata', 'a public client (none) cannot use client_credentials');
  }
}

/** A client without redirect URIs has no use for the code flow that RFC 7591 §2 would make its default. */
function grantDefaults(
  { grant_types: grants, response_types: types }: Metadata,
  uris: readonly string[],
): Metadata {
  if (uris.length > 0) return {};
  return {
    grant_types: grants ?? ['client_credentials'],
    response_types: types ?? [],
    redirect_uris: [],
  };
}

function refusal(
  error: 'invalid_client_metadata' | 'invalid_redirect_uri',
  message: string,
): RegistrationRefusal {
  return new RegistrationRefusal(400, error, message);
}
