import type { Agent } from '../../domain/agent.ts';

interface ResourceServerClient {
  readonly clientId: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** The credentials' side of a resource server: a client that may introspect and is granted nothing. */
export function resourceServerClient({ clientId, name, createdAt }: ResourceServerClient): Agent {
  return {
    clientId,
    kind: 'resource_server',
    name,
    description: '',
    owner: null,
    state: 'active',
    epoch: 0,
    tier: 'free',
    challengeWaived: false,
    permissions: [],
    defaultScope: [],
    roles: [],
    tools: [],
    resources: [],
    audiences: [],
    maxDepth: 0,
    maxChildren: 0,
    maxTaskSeconds: null,
    metadata: {
      client_name: name,
      grant_types: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      application_type: 'web',
    },
    createdAt,
    activatedAt: createdAt,
    deletedAt: null,
  };
}
