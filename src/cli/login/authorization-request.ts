import { createHash, randomBytes } from 'node:crypto';
import type { OAuthServer } from './oauth-server.ts';

/** The values that tie a sign-in to this process (RFC 7636, RFC 6749 §10.12). */
export interface Authorization {
  readonly state: string;
  readonly verifier: string;
}

export interface AuthorizationRequest extends Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope?: readonly string[];
  readonly resource?: string;
  readonly taskId?: string;
  readonly taskDescription?: string;
  readonly delegate?: readonly string[];
}

export function newAuthorization(): Authorization {
  return { state: randomBytes(16).toString('base64url'), verifier: randomBytes(32).toString('base64url') };
}

export function authorizationUrl(server: OAuthServer, request: AuthorizationRequest): string {
  const url = new URL(server.authorization_endpoint);
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    state: request.state,
    code_challenge: createHash('sha256').update(request.verifier).digest('base64url'),
    code_challenge_method: 'S256',
    scope: request.scope?.join(' '),
    resource: request.resource,
    task_id: request.taskId,
    task_description: request.taskDescription,
    delegates: request.delegate?.join(' '),
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}
