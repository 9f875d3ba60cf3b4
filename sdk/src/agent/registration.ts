import { wireNames } from '../shared/names.ts';
import type { JsonWebKey } from '../shared/jwk.ts';
import type { AgentRow } from '../shared/rows.ts';
import type { AgentClient } from './agent.ts';
import type { ApiCall, CallOptions } from './connection.ts';

/** What `POST /api/agents/register` takes. What is asked is not granted by asking. */
export interface AgentRegistration {
  /** 3 to 100 characters. */
  readonly agentName: string;
  readonly description?: string;
  readonly allowedTools?: readonly string[];
  readonly allowedResources?: readonly string[];
  /** Rights. Default: the server's default ones. */
  readonly permissions?: readonly string[];
  readonly scope?: string;
  readonly redirectUris?: readonly string[];
  readonly grantTypes?: readonly string[];
  readonly tokenEndpointAuthMethod?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'none';
  readonly jwks?: { readonly keys: readonly JsonWebKey[] };
  readonly dpopBoundAccessTokens?: boolean;
  readonly maxScopeLevel?: string;
  readonly agentType?: string;
  readonly model?: string;
  readonly version?: string;
  readonly provider?: string;
  readonly instanceId?: string;
}

/** The credentials are shown this once. */
export interface RegisteredAgent {
  readonly message: string;
  readonly agent: AgentRow;
  readonly credentials: {
    readonly client_id: string;
    /** Absent for agents that authenticate with a key, or not at all. */
    readonly client_secret?: string;
    /** Activates the agent, once. */
    readonly registration_token: string;
    readonly registration_token_expires_at: string;
  };
}

/** Creations are safe to repeat: the client makes an Idempotency-Key. Give your own to repeat it after a restart. */
export interface CreationOptions extends CallOptions {
  readonly idempotencyKey?: string | undefined;
}

/** Agents as system A calls them. */
export interface RegistrationCalls {
  /** `POST /api/agents/register`. With the agent's own token when it has credentials (an administrator grants more). */
  register(registration: AgentRegistration, options?: CreationOptions): Promise<RegisteredAgent>;
  /** `POST /api/agents/activate`: uses a registration token. */
  activate(
    registrationToken: string,
    options?: CallOptions,
  ): Promise<{ readonly message: string; readonly agent: AgentRow }>;
  /** `POST /api/oauth/register` (RFC 7591); members as the RFC writes them. Active at once. */
  registerClient(
    metadata: Readonly<Record<string, unknown>>,
    options?: CreationOptions,
  ): Promise<
    Readonly<Record<string, unknown>> & { readonly client_id: string; readonly client_secret?: string }
  >;
}

export function registrationCalls(agent: AgentClient): RegistrationCalls {
  return {
    register: (asked, options) => agent.request(creation('/api/agents/register', asked, options), 'anyone'),
    activate(registrationToken, { signal } = {}) {
      const body = { registration_token: registrationToken };
      // Works once: a repetition would be told that the token is unknown, though the agent is active.
      return agent.request({ method: 'POST', path: '/api/agents/activate', body, signal }, 'nobody');
    },
    registerClient: (metadata, options) =>
      agent.request(creation('/api/oauth/register', metadata, options), 'anyone'),
  };
}

/** A POST that creates something, with an Idempotency-Key: it may be repeated. */
export function creation(
  path: string,
  members: object,
  { idempotencyKey, signal }: CreationOptions = {},
): ApiCall {
  return { method: 'POST', path, body: wireNames(members), once: idempotencyKey ?? true, signal };
}
