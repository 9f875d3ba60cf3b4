import { queryOf } from '../shared/names.ts';
import type { ActivityRow, AgentAuthRow, AgentState, Pagination, Tier, WebhookRow } from '../shared/rows.ts';
import type { AgentClient } from './agent.ts';
import { type ApiKeyTerms, rotateByApiKey, type VerifiedAgent } from './api-key.ts';
import type { ApiCall, CallOptions } from './connection.ts';
import { refreshTokens } from './opening.ts';
import { type CreationOptions, creation } from './registration.ts';
import type { TokenAnswer } from './token-answer.ts';

interface OneAgent {
  readonly success: true;
  readonly agent: AgentAuthRow;
}

interface RegisteredWithKey extends OneAgent {
  readonly message: string;
  /** Shown this once. */
  readonly credentials: { readonly api_key: string; readonly token_type: 'Bearer' };
  readonly agent_id: string;
  readonly api_key: string;
}

interface WebhookWithSecret {
  readonly webhook: WebhookRow;
  /** What deliveries are signed with; shown this once. */
  readonly secret: string;
}

/** What can be asked for; see `GET /permissions/list`. */
export interface PermissionList {
  readonly wildcard: string;
  readonly services: readonly {
    readonly service: string;
    readonly wildcard: string;
    readonly resources: readonly {
      readonly resource: string;
      readonly wildcard: string;
      readonly actions: readonly {
        readonly action: string;
        readonly permission: string;
        readonly description: string;
      }[];
    }[];
  }[];
  /** Rights of other forms than service:resource:action. */
  readonly flat: readonly { readonly permission: string; readonly description: string }[];
  /** All of them and the wildcards, as one list. */
  readonly permissions: readonly string[];
}

/**
 * The methods of the AgentAuth SDK under their names. Answers are those of the server, as they stand on the wire. They
 * use the token of `verifyAgent`, or of the agent's own task; `listAgents` and `updateAgentTier` need an administrator's
 * (`audience: `${issuer}/api``). All throw TaskgrantError.
 */
export interface AgentAuthCalls {
  /** 400 with `details.invalid_permissions` for what the catalogue does not know. */
  registerAgent(
    agent: {
      readonly name: string;
      readonly ownerEmail: string;
      readonly description?: string;
      readonly permissions?: readonly string[];
    },
    options?: CreationOptions,
  ): Promise<RegisteredWithKey>;
  /** Proves the agent; from now on its token goes with every call. */
  verifyAgent(terms: ApiKeyTerms, options?: CallOptions): Promise<VerifiedAgent>;
  /**
   * Rotates. Without a token: what the agent holds now. With one: at the token endpoint for a client with credentials,
   * else at `/agents/refresh`; the answer's access token is used from then on.
   */
  refreshToken(
    refreshToken?: string,
    options?: CallOptions & { readonly codeVerifier?: string | undefined },
  ): Promise<TokenAnswer>;
  /** Ends every task that the agent's API keys have opened. */
  revokeTokens(
    options?: CallOptions,
  ): Promise<{ readonly success: true; readonly revoked_tasks: number; readonly revoked_tokens: number }>;
  listAgents(
    query?: { readonly status?: AgentState; readonly limit?: number; readonly offset?: number },
    options?: CallOptions,
  ): Promise<{
    readonly agents: readonly AgentAuthRow[];
    readonly total: number;
    readonly pagination: Pagination;
  }>;
  getAgent(agentId: string, options?: CallOptions): Promise<OneAgent>;
  /** For good: by the agent itself, or an administrator. */
  revokeAgent(agentId: string, reason?: string, options?: CallOptions): Promise<OneAgent>;
  getActivity(
    agentId: string,
    query?: { readonly limit?: number; readonly offset?: number },
    options?: CallOptions,
  ): Promise<{ readonly activity: readonly ActivityRow[]; readonly pagination: Pagination }>;
  updateAgentTier(agentId: string, tier: Tier, options?: CallOptions): Promise<OneAgent>;
  registerWebhook(
    webhook: {
      readonly url: string;
      readonly events: readonly string[];
      readonly description?: string;
      readonly agentId?: string;
    },
    options?: CreationOptions,
  ): Promise<WebhookWithSecret>;
  listWebhooks(
    query?: { readonly agentId?: string; readonly limit?: number; readonly cursor?: string },
    options?: CallOptions,
  ): Promise<{ readonly webhooks: readonly WebhookRow[]; readonly next_cursor: string | null }>;
  deleteWebhook(webhookId: string, options?: CallOptions): Promise<void>;
  /** The old secret goes on signing beside the new one for an overlap, unless `immediate`. */
  regenerateWebhookSecret(
    webhookId: string,
    body?: { readonly immediate?: boolean },
    options?: CreationOptions,
  ): Promise<WebhookWithSecret>;
  getWebhookEvents(
    options?: CallOptions,
  ): Promise<{ readonly events: readonly { readonly name: string; readonly description: string }[] }>;
  listPermissions(options?: CallOptions): Promise<PermissionList>;
  /** @throws TaskgrantError 503 while the server or its database does not answer. */
  healthCheck(options?: CallOptions): Promise<{ readonly status: 'ok'; readonly database: 'ok' }>;
}

export function agentAuthCalls(agent: AgentClient): AgentAuthCalls {
  const { connection } = agent;
  const get = (path: string, options?: CallOptions): ApiCall => ({ method: 'GET', path, ...options });
  /** Ends something: done twice is done once. */
  const end = (path: string, body: object, options?: CallOptions): ApiCall => ({
    method: 'POST',
    path,
    body,
    repeatable: true,
    ...options,
  });
  const at = (path: string, id: string, rest = '') => `/${path}/${encodeURIComponent(id)}${rest}`;

  return {
    registerAgent: (asked, options) => agent.request(creation('/agents/register', asked, options), 'anyone'),
    verifyAgent: (terms, options) => agent.verifyWithApiKey({ ...terms, ...options }),
    async refreshToken(token, { codeVerifier: verifier, signal } = {}) {
      if (token === undefined) return (await agent.current()).renew();
      const answer = await (connection.confidential
        ? refreshTokens(connection, token, { verifier, signal })
        : rotateByApiKey(connection, token, verifier, signal));
      agent.setAccessToken(answer.access_token);
      return answer;
    },
    revokeTokens: (options) => agent.request(end('/agents/revoke-tokens', {}, options)),
    listAgents: (query = {}, options) => agent.request(get(`/agents${queryOf(query)}`, options)),
    getAgent: (id, options) => agent.request(get(at('agents', id), options)),
    revokeAgent: (id, reason, options) =>
      agent.request(end(at('agents', id, '/revoke'), { reason }, options)),
    getActivity: (id, query = {}, options) =>
      agent.request(get(at('agents', id, `/activity${queryOf(query)}`), options)),
    updateAgentTier: (id, tier, options) =>
      agent.request({ method: 'PUT', path: at('agents', id, '/tier'), body: { tier }, ...options }),
    registerWebhook: (webhook, options) => agent.request(creation('/webhooks', webhook, options)),
    listWebhooks: (query = {}, options) => agent.request(get(`/webhooks${queryOf(query)}`, options)),
    deleteWebhook: (id, options) => agent.request({ method: 'DELETE', path: at('webhooks', id), ...options }),
    regenerateWebhookSecret: (id, body = {}, options) =>
      agent.request(creation(at('webhooks', id, '/regenerate-secret'), body, options)),
    getWebhookEvents: (options) => agent.request(get('/webhooks/events', options), 'nobody'),
    listPermissions: (options) => agent.request(get('/permissions/list', options), 'nobody'),
    healthCheck: (options) => agent.request(get('/health', options), 'nobody'),
  };
}
