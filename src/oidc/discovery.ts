import type { Middleware } from 'koa';
import { TASK_PARAMETERS } from './task-parameters.ts';

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
/** Methods that authenticate: introspection takes no public clients. */
const CONFIDENTIAL = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

export interface DiscoveryOptions {
  readonly issuer: string;
  readonly signingAlgorithms: readonly string[];
}

/**
 * RFC 8414 at the root and OpenID discovery. An issuer with a path is also found where RFC 8414 §3.1 inserts the
 * well-known part before it and where OpenID Connect Discovery §4 appends it. Adds what the engine does not announce,
 * our extension included (R18).
 */
export function discovery({ issuer, signingAlgorithms }: DiscoveryOptions): Middleware {
  const places = metadataPlaces(issuer);
  return async (ctx, next) => {
    const known = places.get(ctx.path);
    if (known === undefined) return next();
    ctx.path = known;
    await next();
    if (ctx.status !== 200) return;
    const body = ctx.body as Record<string, unknown>;
    ctx.body = {
      ...body,
      introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
      introspection_endpoint_auth_signing_alg_values_supported:
        body.token_endpoint_auth_signing_alg_values_supported,
      revocation_endpoint_auth_methods_supported: [...CONFIDENTIAL, 'none'],
      revocation_endpoint_auth_signing_alg_values_supported:
        body.token_endpoint_auth_signing_alg_values_supported,
      access_token_signing_alg_values_supported: signingAlgorithms,
      service_documentation: new URL('/docs', issuer).href,
      client_credentials_code_challenge_required: true,
      task_parameters_supported: [...TASK_PARAMETERS, 'parent_token', 'delegate_to'],
    };
  };
}

/** The paths at which the metadata is found, and which of the two documents is there. */
export function metadataPlaces(issuer: string): ReadonlyMap<string, string> {
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  return new Map(
    WELL_KNOWN.flatMap((known) =>
      [known, `${known}${path}`, `${path}${known}`].map((place): [string, string] => [place, known]),
    ),
  );
}
